"""The lock of a run directory, which the operating system releases however its holder ends."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from nmt.errors import RunInUseError, StorageError
from nmt.io.atomic_files import storage_errors

LOCK_NAME = ".lock"

_TRIES, _SECONDS_BETWEEN_TRIES = 5, 0.02  # to take a lock that `lock_holder` may hold for an instant


class RunLock:
    """Locks an existing run directory for one process, for the duration of the `with` block.

    The operating system releases the lock when the process ends, however it ends, so no lock is ever stale. The lock
    file itself stays; it names the holder of the lock.

    Raises:
        RunInUseError: another process, or another lock of this one, holds it.
        StorageError: the lock file cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        assert self._descriptor is None, "a RunLock is entered once at a time"
        path = self._directory / LOCK_NAME
        with storage_errors(path):
            descriptor = _open_lock(path, os.O_RDWR | os.O_CREAT)
            try:
                _lock(descriptor)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)
            except BlockingIOError:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise RunInUseError(str(self._directory), f"in use by {holder}") from None
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        assert self._descriptor is not None
        # Forked children share the open file, so closing it here would not release the lock while one of them lives.
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)
        self._descriptor = None


def lock_holder(directory: Path) -> str | None:
    """Names the holder of the `RunLock` of a directory; None where nobody holds it. Writes nothing.

    Raises StorageError if the lock file cannot be read.
    """
    path = directory / LOCK_NAME
    with storage_errors(path):
        try:
            descriptor = _open_lock(path, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            # Shared, so that two processes that ask do not disturb each other; and released at once, by closing.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(descriptor)
        finally:
            os.close(descriptor)
    return None


def _lock(descriptor: int) -> None:
    """Takes a lock that is free, or held for no longer than `lock_holder` holds it; else raises BlockingIOError."""
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_SECONDS_BETWEEN_TRIES)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _open_lock(path: Path, flags: int) -> int:
    """Opens a lock file, without waiting where it is something else, such as a pipe without a writer."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StorageError(str(path), "is no regular file")
    return descriptor


def _holder(descriptor: int) -> str:
    """Names the holder of a lock, by its file, which is empty for an instant after the lock was taken."""
    process, _, host = os.pread(descriptor, 300, 0).decode(errors="replace").strip().partition(" ")
    if not (process.isascii() and process.isdigit() and host.isprintable()):
        return "another process"
    return f"process {process}" if host == os.uname().nodename else f"process {process} on {host}"
