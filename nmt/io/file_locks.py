"""Locks of an open file, which the operating system releases with the process: flock, or what Windows has instead."""

# mypy: disable-error-code="attr-defined, unused-ignore"
# Of each of the two modules, mypy knows the content on its own system alone.

from __future__ import annotations

import os

# On Windows a byte is locked that no content reaches: what is locked cannot be read by others.
_LOCKED_BYTE = 1 << 30


def lock_file(descriptor: int, *, shared: bool = False) -> None:
    """Takes the lock of an open file, or raises BlockingIOError: somebody holds it. Others may share a shared lock.

    On Windows they may not, so that of two processes that ask at one moment one takes the other for a holder.
    """
    try:
        import fcntl
    except ImportError:
        _lock_byte(descriptor)
    else:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def still_locked(descriptor: int) -> bool:
    """Returns whether the exclusive lock of an open file, taken by `lock_file`, still holds, or takes it again.

    It raises OSError where the file system cannot say. On Windows, nobody takes a lock away.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock_file(descriptor: int) -> None:
    """Gives the lock back, though a child that was forked may have the file open still."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock_byte(descriptor: int) -> None:
    import msvcrt

    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        raise BlockingIOError(error.errno, error.strerror) from error
