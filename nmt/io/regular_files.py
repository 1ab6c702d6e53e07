"""Opening a file of a known name that somebody else may have put there."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def open_unfollowed(path: Path, flags: int) -> int:
    """Opens a file, follows no link to it, and waits for nobody who should write into a pipe; returns the descriptor.

    Raises OSError. Windows, where a link is looked for before, has no such pipes.
    """
    if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    return os.open(path, flags, 0o666)
