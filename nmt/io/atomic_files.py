"""Durable writing: files and directories that are whole or absent, and survive a crash or a power cut.

Everything is first written under a temporary name in the same directory, synced to the disk, and only then renamed.
A process killed in between leaves at most something that `remove_stale_temporaries` recognises by its name.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nmt.errors import StorageError
from nmt.io.c_library import c_function

TEMPORARY_PREFIX = ".nmt-temporary-"
REPLACED_PREFIX = ".nmt-replaced-"

# AT_FDCWD of <fcntl.h> and RENAME_EXCHANGE of <linux/fs.h>.
_HERE, _EXCHANGE = -100, 2


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns an error of the operating system into a `StorageError` about `path`, except that of a broken pipe."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # Without a number it is none of the operating system: gzip, for one, reports damaged data this way.
        if error.errno is None:
            raise
        raise StorageError(str(path), f"cannot be written: {os.strerror(error.errno)}") from error


def _temporary_beside(path: Path) -> Path:
    return path.parent / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"


def _sync_directory(directory: Path) -> None:
    """Makes the names in `directory` durable, where a program can: on Windows the system does."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and FUSE file systems cannot sync a directory; they say so in these two ways.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _sync_tree(directory: Path) -> None:
    """Makes every file and every name below `directory` durable."""
    for folder, _, names in os.walk(directory, topdown=False):
        for name in names:
            descriptor = os.open(Path(folder, name), os.O_RDWR)  # as Windows wants it for the next line
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _sync_directory(Path(folder))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def write_file(path: Path, data: bytes) -> None:
    """Replaces the content of `path` atomically: a reader finds the old content or the new, never a part of it.

    Raises StorageError if the disk is full, or the file cannot be written. The old content is untouched.
    """
    with storage_errors(path), _replacement(path) as file:
        file.write(data)


@contextmanager
def _replacement(path: Path) -> Iterator[IO[bytes]]:
    """Yields a file to write, which takes the place of `path` at the end, durably, or is removed."""
    temporary = _temporary_beside(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        # Whatever prevents the removal also caused the failure, which is the error to report.
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


@contextmanager
def new_output(path: Path) -> Iterator[IO[bytes]]:
    """Yields a file to write, which takes the place of `path` at the end, as with `write_output`, or is removed.

    Raises:
        StorageError: the disk is full, or the file cannot be written; its old content is untouched.
        BrokenPipeError: a pipe has lost its reader.
    """
    with storage_errors(path):
        if _is_special(path):
            with path.open("wb", buffering=0) as file:
                yield file
            return
        with _replacement(Path(os.path.realpath(path))) as file:
            yield file


def write_output(path: Path, data: bytes) -> None:
    """Writes `data` to a path that a user named: as `write_file`, except into an existing pipe or device.

    A symbolic link stays, and the file that it leads to is replaced.

    Raises:
        StorageError: as for `write_file`; into a pipe or device, a part may have been written.
        BrokenPipeError: the pipe has lost its reader.
    """
    with storage_errors(path):
        if _is_special(path):
            path.write_bytes(data)
            return
    write_file(Path(os.path.realpath(path)), data)


def check_output(path: Path) -> None:
    """Raises StorageError, before the work whose result it takes, unless `write_output` can write to `path`."""
    with storage_errors(path):
        if _is_special(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            temporary = _temporary_beside(Path(os.path.realpath(path)))
            temporary.open("xb").close()
            temporary.unlink()


def _is_special(path: Path) -> bool:
    """Returns whether `path` exists and is no regular file; raises OSError for a directory or a socket."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode) or stat.S_ISSOCK(mode):
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.ENXIO
        raise OSError(number, os.strerror(number))
    return not stat.S_ISREG(mode)


def make_directory(path: Path) -> None:
    """Creates `path` and its missing parents durably, if it does not exist; raises StorageError if that fails."""
    with storage_errors(path):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            _sync_directory(folder.parent)


@contextmanager
def new_directory(final: Path, *, replace: bool = False, check: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Yields a temporary directory to fill, which becomes `final` at the end, complete and durable, or is removed.

    The parent of `final` exists; it does not exist itself, or is an empty directory. With `replace` it may have
    content, which is kept until the new content has taken its place: at once where the system can exchange names.
    Elsewhere a crash may leave the old content under another name, from which `remove_stale_temporaries` restores it.
    `check` is called when all is written and nothing has changed yet; if it raises, nothing does.

    Raises StorageError if the operating system refused something, here or in the body. Nothing has changed then.
    """
    temporary = _temporary_beside(final)
    with storage_errors(final):
        try:
            temporary.mkdir()
            yield temporary
            _sync_tree(temporary)
            check()
            if replace and os.path.lexists(final):
                _replace(temporary, final)
            else:
                _rename_onto_nothing(temporary, final)
        except BaseException:
            # As in `write_file`, the first failure is the one to report.
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync_directory(final.parent)


def _rename_onto_nothing(new: Path, final: Path) -> None:
    """Gives a directory a name that is free, or that of an empty directory, which goes."""
    try:
        new.rename(final)
    except FileExistsError:  # on Windows, for an empty one, too
        final.rmdir()
        new.rename(final)


def _replace(new: Path, final: Path) -> None:
    if _exchange(new, final):
        try:
            # The old content may go only once the new one is sure to be found under the name.
            _sync_directory(final.parent)
        except BaseException:
            _exchange(new, final)
            raise
        _remove(new)
        return
    aside = final.with_name(REPLACED_PREFIX + final.name)
    if os.path.lexists(aside):
        _remove(aside)
    final.rename(aside)
    try:
        new.rename(final)
    except BaseException:
        if not os.path.lexists(final):
            aside.rename(final)
        raise
    _sync_directory(final.parent)
    _remove(aside)


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges two names atomically, so that neither is ever without content; returns False if that is impossible.

    Linux can (renameat2), on most file systems; Python has no function for it.
    """
    renameat2 = c_function("renameat2")
    return renameat2 is not None and not renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)


def remove(path: Path) -> None:
    """Removes a file, a link, or a directory with its content: after a crash, no part of it has its name.

    Raises StorageError if that fails.
    """
    temporary = _temporary_beside(path)
    with storage_errors(path):
        path.rename(temporary)
        _sync_directory(path.parent)
        _remove(temporary)


def move(path: Path, destination: Path) -> None:
    """Moves a file or directory durably to an absent path of the same file system; raises StorageError if it cannot."""
    with storage_errors(path):
        path.rename(destination)
        # In this order, so that after a power cut it is found under one of its names at least.
        _sync_directory(destination.parent)
        _sync_directory(path.parent)


def remove_stale_temporaries(parent: Path) -> None:
    """Removes from `parent` the temporary files of a process that was killed while it wrote there.

    Only for the one process that may write there, such as the holder of a `nmt.io.locks.RunLock`, since temporary files
    of others have names of the same form. A directory that was to be replaced, and was not, gets its name back. Raises
    StorageError if something cannot be removed.
    """
    with storage_errors(parent):
        for path in list(parent.iterdir()) if parent.is_dir() else []:
            if path.name.startswith(REPLACED_PREFIX):
                final = path.with_name(path.name.removeprefix(REPLACED_PREFIX))
                if not os.path.lexists(final):
                    path.rename(final)
                    _sync_directory(parent)
                    continue
                _remove(path)
            elif path.name.startswith(TEMPORARY_PREFIX):
                _remove(path)


def free_bytes(path: Path) -> int:
    """Returns the bytes that this user may still write at `path`, absent or not; raises StorageError if unknown."""
    with storage_errors(path):
        existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
        return shutil.disk_usage(existing).free
