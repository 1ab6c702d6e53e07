"""Settings of malloc, by which the C library treats memory that training frees and asks for again a moment later."""

from __future__ import annotations

from nmt.io.c_library import c_function

STEPS_BETWEEN_RETURNS = 50
"""Number of updates between returns of freed memory: asking for it again takes about a hundredth of their time."""

LARGEST_KEPT = 16 << 20
"""Minimum size in bytes of a block that goes back at once; the C library allows 32 MiB at most."""

# From malloc.h of the GNU C library.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> None:
    """Lets the process keep the memory that it frees, but for the largest blocks, if it has the GNU C library.

    By default large blocks go back to the system at once, which clears them page by page when the next step asks for
    them: a twentieth of a step's time. The largest still do: every step has a few, each time of other sizes, and the
    holes that they leave make what is kept grow.
    """
    if mallopt := c_function("mallopt"):
        mallopt(_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(_TOP_PAD, 64 << 20)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def return_freed_memory() -> None:
    """Returns memory that was freed and kept to the system, if the process has the GNU C library.

    Batches differ in shape, so that one seldom fits into what another left, and what is kept would grow by a gigabyte
    over some thousand updates. Neither does a validation fit into what training left.
    """
    if malloc_trim := c_function("malloc_trim"):
        malloc_trim(0)
