"""The lock of a run directory, which the operating system releases however its holder ends."""

from __future__ import annotations

import errno
import logging
import os
import platform
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from nmt.errors import RunInUseError, StorageError
from nmt.io.atomic_files import storage_errors
from nmt.io.file_locks import lock_file, unlock_file
from nmt.io.regular_files import open_unfollowed

LOCK_NAME = ".lock"

logger = logging.getLogger(__name__)

_TRIES, _SECONDS_BETWEEN_TRIES = 5, 0.02  # to take a lock that `lock_holder` may hold for an instant
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)


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
                _lock(descriptor, self._directory)
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, f"{os.getpid()} {platform.node()}\n".encode())
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
        with suppress(OSError):  # of a file system without locks; closing gives back the others
            unlock_file(self._descriptor)
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
            lock_file(descriptor, shared=True)
        except BlockingIOError:
            return _holder(descriptor)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        finally:
            os.close(descriptor)
    return None


def _lock(descriptor: int, directory: Path) -> None:
    """Takes a lock that is free, or held for no longer than `lock_holder` holds it; else raises BlockingIOError.

    Some network file systems have no locks. There a warning says so, and the user has to see to it.
    """
    try:
        for _ in range(_TRIES):
            with suppress(BlockingIOError):
                lock_file(descriptor)
                return
            time.sleep(_SECONDS_BETWEEN_TRIES)
        lock_file(descriptor)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        what = "its file system has no locks, so nothing keeps a second training from writing there at the same time"
        logger.warning("%s: %s", directory, what)


def _open_lock(path: Path, flags: int) -> int:
    """Opens a lock file, without waiting where it is something else, such as a pipe without a writer."""
    descriptor = open_unfollowed(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StorageError(str(path), "is no regular file")
    return descriptor


def _holder(descriptor: int) -> str:
    """Names the holder of a lock, by its file, which is empty for an instant after the lock was taken."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    process, _, host = os.read(descriptor, 300).decode(errors="replace").strip().partition(" ")
    if not (process.isascii() and process.isdigit() and host.isprintable()):
        return "another process"
    return f"process {process}" if host == platform.node() else f"process {process} on {host}"
