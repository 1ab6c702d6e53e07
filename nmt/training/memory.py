"""How the C library treats memory that training frees and asks for again a moment later."""

from __future__ import annotations

import ctypes
import sys

# From malloc.h of the GNU C library.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> None:
    """Lets the process keep what it frees, where it has the GNU C library; does nothing elsewhere.

    By default large blocks go back to the system at once, which clears them page by page when the next step asks for
    them: a twentieth of a step's time.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TOP_PAD, 64 << 20)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
