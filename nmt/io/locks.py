"""The lock of a run directory, which the operating system releases however its holder ends."""

from __future__ import annotations

import errno
import logging
import os
import platform
import secrets
import stat
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

from nmt.errors import RunInUseError, StorageError
from nmt.io.atomic_files import storage_errors
from nmt.io.file_locks import lock_file, still_locked, unlock_file
from nmt.io.regular_files import open_unfollowed

LOCK_NAME = ".lock"

logger = logging.getLogger(__name__)

_TRIES, _SECONDS_BETWEEN_TRIES = 5, 0.02  # to take a lock that `lock_holder` may hold for an instant
# To wait for a holder of the same job, of which this is a restart. If its machine is dead, a server of NFS 4 gives the
# lock back after 90 seconds; if it is only cut off, the holder ends by itself before that.
SECONDS_FOR_OWN_JOB, _SECONDS_BETWEEN_LOOKS = 180.0, 0.5
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)


class _Holder(NamedTuple):
    """The holder of a lock, as the lock file tells."""

    process: str = ""
    host: str = ""
    token: str = ""  # of this taking of the lock
    job: str = ""

    def __str__(self) -> str:
        if not (self.process.isascii() and self.process.isdigit() and self.host.isprintable()):
            return "another process"  # the file is empty for an instant after the lock was taken
        return f"process {self.process}" + ("" if self.host == platform.node() else f" on {self.host}")


class RunLock:
    """Locks an existing run directory for one process, for the duration of the `with` block.

    The operating system releases the lock when the process ends, however it ends, so no lock is ever stale. The lock
    file itself stays; it names the holder of the lock.

    Raises:
        RunInUseError: another process, or another lock of this one, holds it.
        StorageError: the lock file cannot be written.
    """

    def __init__(self, directory: Path, job: str = "") -> None:
        """Takes the directory, and the name of the job that this process is of, if it is one of several that take over
        from one another: for a holder of the same job it waits, since that is about to end."""
        self.directory = directory
        self._job = sha256(job.encode()).hexdigest()[:16] if job else ""
        self._descriptor: int | None = None
        self._content = b""

    def __enter__(self) -> Self:
        assert self._descriptor is None, "a RunLock is entered once at a time"
        path = self.directory / LOCK_NAME
        with storage_errors(path):
            descriptor = _open_lock(path, os.O_RDWR | os.O_CREAT)
            try:
                self._take(descriptor)
                while not _is_at(
                    path, descriptor
                ):  # its holder has removed it meanwhile, and somebody may have another
                    os.close(descriptor)
                    descriptor = _open_lock(path, os.O_RDWR | os.O_CREAT)
                    self._take(descriptor)
                holder = _Holder(str(os.getpid()), platform.node(), secrets.token_hex(8), self._job)
                self._content = f"{' '.join(holder)}\n".encode()
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, self._content)
                os.ftruncate(descriptor, len(self._content))  # only now, so that others find a holder at any moment
                os.fsync(descriptor)  # on a file system that machines share, others are to read it
            except BlockingIOError:
                holder = _read_holder(descriptor)
                os.close(descriptor)
                raise RunInUseError(str(self.directory), f"in use by {holder}") from None
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        return self

    def _take(self, descriptor: int) -> None:
        """Takes the lock; raises BlockingIOError if it is held, for too long where that is by a holder of this job."""
        until = time.monotonic() + SECONDS_FOR_OWN_JOB
        told = False
        while True:
            try:
                return _lock(descriptor, self.directory)
            except BlockingIOError:
                holder = _read_holder(descriptor)
                if not self._job or holder.job != self._job or time.monotonic() > until:
                    raise
                if not told:
                    logger.info("%s: waiting for %s of this training to end", self.directory, holder)
                told = True
                time.sleep(_SECONDS_BETWEEN_LOOKS)

    def check(self) -> None:
        """Raises RunInUseError unless this still holds the lock: whoever does not must write nothing more.

        The operating system takes it away only where it is another machine's to give: a server that has not heard of
        this one for a while. Where a file system has no locks, the last process to come is the holder. Raises
        StorageError where the file system cannot say.
        """
        assert self._descriptor is not None, "the lock is not held"
        path = self.directory / LOCK_NAME
        with storage_errors(path):
            try:
                held = still_locked(self._descriptor)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                held = True
            with suppress(FileNotFoundError):  # then another process may have the lock of a new one
                if held and path.read_bytes() == self._content:
                    return
        what = "this process does not hold its lock any more, and writes nothing there: another has taken over"
        raise RunInUseError(str(self.directory), what)

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
            return str(_read_holder(descriptor))
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


def _is_at(path: Path, descriptor: int) -> bool:
    """Returns whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def _read_holder(descriptor: int) -> _Holder:
    """Reads what the lock file tells of the holder of the lock."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    line, *_ = os.read(descriptor, 400).decode(errors="replace").split("\n")
    words = line.split(" ")
    return _Holder(*words[: len(_Holder._fields)])
