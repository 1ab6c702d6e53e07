"""Files on any file system that pyarrow reads: paths of this machine, and URIs such as `s3://bucket/folder`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from nmt.errors import ConfigError, InputFileError, StorageError
from nmt.io.atomic_files import make_directory, write_file

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_OBJECT_STORES = ("s3", "gcs", "abfs")
_TEMPORARY = ".nmt-temporary-"


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


def locate(text: str) -> Location:
    """Returns the place that a path or a URI means.

    Raises:
        ConfigError: there is no such file system.
        InputFileError: it cannot be reached.
    """
    from pyarrow import ArrowException, fs

    if not _URI.match(text):
        return Location(fs.LocalFileSystem(), str(Path(text).absolute()))
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


def read_whole(place: Location) -> bytes | None:
    """Returns what a file holds, None where there is none; raises InputFileError if it cannot be read."""
    from pyarrow.fs import FileType

    with reading_errors(place.path):
        if place.files.get_file_info(place.path).type != FileType.File:
            return None
        with place.files.open_input_stream(place.path, compression=None) as file:
            return bytes(file.read())


def write_whole(place: Location, data: bytes) -> None:
    """Replaces the content of a file, whole or not at all, and durably, as far as its file system can.

    A file of this machine is written under another name, synced and renamed. An object store has an object only once
    all of it has arrived. Elsewhere a file is written under another name and moved.

    Raises StorageError if it cannot be written.
    """
    folder, _, name = place.path.rpartition("/")
    if place.is_local:
        make_directory(Path(folder))
        write_file(Path(place.path), data)
        return
    with _writing_errors(place.path):
        if place.files.type_name in _OBJECT_STORES:
            _write(place, data)
            return
        temporary = place._replace(path=f"{folder}/{_TEMPORARY}{os.urandom(8).hex()}-{name}")
        place.files.create_dir(folder, recursive=True)
        try:
            _write(temporary, data)
            place.files.move(temporary.path, place.path)
        except BaseException:
            # What prevents it also caused the failure, which is the error to report.
            with suppress(OSError):
                temporary.files.delete_file(temporary.path)
            raise


def _write(place: Location, data: bytes) -> None:
    with place.files.open_output_stream(place.path, compression=None) as file:
        file.write(data)


def names_below(place: Location) -> list[str]:
    """Lists the files below a folder by their paths from there, sorted; none where there is no such folder.

    Raises InputFileError if it cannot be listed.
    """
    from pyarrow.fs import FileSelector, FileType

    with reading_errors(place.path):
        found = place.files.get_file_info(FileSelector(place.path, allow_not_found=True, recursive=True))
    start = len(place.path.rstrip("/")) + 1
    return sorted(info.path[start:] for info in found if info.type == FileType.File)
