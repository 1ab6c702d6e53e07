"""Files on any file system that pyarrow reads: paths of this machine, and URIs such as `s3://bucket/folder`."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from nmt.errors import ConfigError, InputFileError, StorageError
from nmt.io.atomic_files import TEMPORARY_PREFIX, make_directory, write_file

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_OBJECT_STORES = ("s3", "gcs", "abfs")


class Location(NamedTuple):
    """A place on a file system."""

    files: Any  # the `pyarrow.fs.FileSystem`
    path: str  # there

    @property
    def is_local(self) -> bool:
        """True on this machine's own file systems, among which network file systems are."""
        return bool(self.files.type_name == "local")

    def inside(self, name: str) -> Location:
        """Returns the place of a name in this folder."""
        return self._replace(path=f"{self.path.rstrip('/')}/{name}")

    def real(self) -> Location:
        """Returns the same place with symbolic links and `..` followed, where the file system is local."""
        return self._replace(path=os.path.realpath(self.path)) if self.is_local else self


class FoundFile(NamedTuple):
    """A file as it is listed."""

    name: str  # its path from the folder that was listed
    path: str  # on the file system
    size: int = 0  # in bytes
    modified: int = 0  # when it was changed last, in nanoseconds since 1970; 0 if nobody knows
    why_unreadable: str | None = None  # None for a file that can be read


def absolute(text: str) -> str:
    """Returns a path as every process understands it, whatever its working directory; a URI as it is.

    Raises ConfigError for what no file can be named.
    """
    try:
        if text and "\0" not in text and text.encode():
            return text if _URI.match(text) else str(Path(text).absolute())
    except UnicodeEncodeError:
        pass
    raise ConfigError(repr(text), "is no name that a file or folder can have here: expected one in UTF-8")


def locate(text: str) -> Location:
    """Returns the place that a path or a URI means.

    Raises:
        ConfigError: there is no such file system, or it is no name that a file can have.
        InputFileError: it cannot be reached.
    """
    from pyarrow import ArrowException, fs

    text = absolute(text)
    if not _URI.match(text):
        return Location(fs.LocalFileSystem(), text)
    try:
        return Location(*fs.FileSystem.from_uri(text))
    except (ArrowException, ImportError, ValueError) as error:
        raise ConfigError(text, f"is on no file system that pyarrow reads: {error!s:.300}") from error
    except OSError as error:
        raise InputFileError(text, f"cannot be reached: {error!s:.300}") from error


@contextmanager
def reading_errors(name: str) -> Iterator[None]:
    """Turns what a file system says of a file that cannot be read into an InputFileError."""
    from pyarrow import ArrowException

    try:
        yield
    except FileNotFoundError as error:
        raise InputFileError(name, "no such file or folder") from error
    except OSError as error:
        raise InputFileError(name, f"cannot be read: {error.strerror or error!s:.300}") from error
    except ArrowException as error:
        raise InputFileError(name, f"is damaged: {error!s:.300}") from error


@contextmanager
def _writing_errors(name: str) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (OSError, ArrowException) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else f"{error!s:.300}"
        raise StorageError(name, f"cannot be written: {reason}") from error


def read_whole(location: Location) -> bytes | None:
    """Returns what a file holds, None where there is none; raises InputFileError if it cannot be read."""
    from pyarrow.fs import FileType

    with reading_errors(location.path):
        if location.files.get_file_info(location.path).type != FileType.File:
            return None
        with location.files.open_input_stream(location.path, compression=None) as file:
            return bytes(file.read())


def write_whole(location: Location, data: bytes) -> None:
    """Replaces the content of a file, whole or not at all, and durably, as far as its file system can.

    A file of this machine is written under another name, synced and renamed. An object store has an object only once
    all of it has arrived. Elsewhere a file is written under another name and moved.

    Raises StorageError if it cannot be written.
    """
    folder, _, name = location.path.rpartition("/")
    if location.is_local:
        make_directory(Path(folder))
        write_file(Path(location.path), data)
        return
    with _writing_errors(location.path):
        if location.files.type_name in _OBJECT_STORES:
            _write(location, data)
            return
        temporary = location._replace(path=f"{folder}/{TEMPORARY_PREFIX}{os.urandom(8).hex()}-{name}")
        location.files.create_dir(folder, recursive=True)
        try:
            _write(temporary, data)
            location.files.move(temporary.path, location.path)
        except BaseException:
            # What prevents it also caused the failure, which is the error to report.
            with suppress(OSError):
                temporary.files.delete_file(temporary.path)
            raise


def _write(location: Location, data: bytes) -> None:
    with location.files.open_output_stream(location.path, compression=None) as file:
        file.write(data)


def remove_file(location: Location) -> None:
    """Removes a file, if there is one; raises StorageError if it cannot be removed."""
    from pyarrow.fs import FileType

    with _writing_errors(location.path):
        if location.files.get_file_info(location.path).type == FileType.File:
            location.files.delete_file(location.path)


def remove_folder(location: Location) -> None:
    """Removes a folder with all that is in it, if there is one; raises StorageError if it cannot be removed."""
    from pyarrow.fs import FileType

    with _writing_errors(location.path):
        if location.files.get_file_info(location.path).type == FileType.Directory:
            location.files.delete_dir(location.path)


def list_files(folder: Location) -> list[FoundFile]:
    """Lists the files below a folder, sorted by name; none where there is no such folder.

    On this machine, links to files are files. What cannot be read, a link to a folder or to nothing or a pipe, is
    listed with the reason.

    Raises InputFileError if the folder cannot be listed.
    """
    from pyarrow.fs import FileSelector, FileType

    with reading_errors(folder.path):
        if folder.is_local:
            return sorted(_walk(Path(folder.path)))
        found = folder.files.get_file_info(FileSelector(folder.path, allow_not_found=True, recursive=True))
    start = len(folder.path.rstrip("/")) + 1
    files = (info for info in found if info.type == FileType.File)
    return sorted(FoundFile(info.path[start:], info.path, info.size or 0, info.mtime_ns or 0) for info in files)


def _walk(folder: Path) -> Iterator[FoundFile]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=refuse) if folder.is_dir() else ():
        for path in (Path(parent, name) for name in folders):
            if path.is_symlink():  # which may lead back, or to files that are listed anyway
                what = "is a link to a folder, which is not followed: give that folder as an INPUT of its own"
                yield FoundFile(path.relative_to(folder).as_posix(), str(path), why_unreadable=what)
        for path in (Path(parent, name) for name in names):
            yield file_at(path, path.relative_to(folder).as_posix())


def file_at(path: Path, name: str) -> FoundFile:
    """Returns a file of this machine by its path, or why there is none that can be read."""
    try:
        status = path.stat()
        str(path).encode()
    except FileNotFoundError:
        return FoundFile(name, str(path), why_unreadable="is a link to nothing" if path.is_symlink() else "is gone")
    except OSError as error:
        return FoundFile(name, str(path), why_unreadable=f"cannot be read: {error.strerror}")
    except UnicodeEncodeError:
        return FoundFile(name, str(path), why_unreadable="has a name that is not UTF-8")
    if not stat.S_ISREG(status.st_mode):
        return FoundFile(name, str(path), why_unreadable="is neither a file nor a folder")
    return FoundFile(name, str(path), status.st_size, status.st_mtime_ns)
