"""How the C library treats memory that training frees and asks for again a moment later."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

STEPS_BETWEEN_RETURNS = 50
"""Updates after which what was kept is given back: asking for it again then takes a few thousandths of their time."""

LARGEST_KEPT = 16 << 20
"""Bytes of the largest block that is kept; the C library allows 32 MiB at most."""

# From malloc.h of the GNU C library.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> None:
    """Lets the process keep what it frees, where it has the GNU C library; does nothing elsewhere.

    By default large blocks go back to the system at once, which clears them page by page when the next step asks for
    them: a twentieth of a step's time. A few of many megabytes still do: there are always some in a step, of ever other
    sizes, and the holes they leave in what is kept are what makes it grow.
    """
    if mallopt := _of_c_library("mallopt"):
        mallopt(_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(_TOP_PAD, 64 << 20)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def return_freed_memory() -> None:
    """Gives back to the system what was freed and kept, likewise.

    Batches differ in shape, so that one seldom fits into what another left, and what is kept would grow by a gigabyte
    over some thousand updates; and so do training and validation, whose shapes have nothing in common.
    """
    if malloc_trim := _of_c_library("malloc_trim"):
        malloc_trim(0)


def _of_c_library(name: str) -> Any:
    """That function; None where there is none."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
