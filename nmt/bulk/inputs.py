"""The files of an input: found, named and told apart, on any file system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.bulk.file_systems import FoundFile, Location, file_at, list_files, locate, reading_errors
from nmt.documents.formats import format_by_name
from nmt.errors import ConfigError, DataError, InputFileError
from nmt.io.compression import unpacked_name

PARQUET, JSONL, CSV, TSV, TEXT = "parquet", "jsonl", "csv", "tsv", "text"

FORMATS = {
    PARQUET: (PARQUET, JSONL),
    JSONL: (JSONL,),
    CSV: (CSV, PARQUET, JSONL),
    TSV: (TSV, PARQUET, JSONL),
    TEXT: (TEXT, PARQUET, JSONL),
}
"""By the format of an input, those in which its output may be; the first is the usual one."""

_ENDINGS = {".parquet": PARQUET, ".pq": PARQUET, ".json": JSONL}  # which `nmt translate` does not read

_LONGEST_NAME = 255  # bytes of a name that file systems have
_LONGEST_ADDED = len("-000000000001-000000010000.parquet")


@dataclass(frozen=True)
class InputFile:
    """A file of an input.

    Attributes:
        name: by which errors and shards name it: its own or, of one in a folder, its path from there.
        root: the input that it was found by, as the user gave it.
        path: on the file system of that.
        size: in bytes.
        modified: when it was changed last, in nanoseconds since 1970; 0 if nobody knows.
    """

    name: str
    root: str
    path: str
    size: int
    modified: int

    @property
    def location(self) -> Location:
        """Where it is."""
        return locate(self.root)._replace(path=self.path)

    def check_unchanged(self, location: Location) -> None:
        """Raises DataError unless the file there is still the one that was found."""
        found = _found(location, self.name)
        if found.why_unreadable or (found.size, found.modified) != (self.size, self.modified):
            raise DataError(self.name, "has changed since the job was begun: expected the same, or another --output")


def find_inputs(roots: Sequence[str]) -> list[InputFile]:
    """Finds the files of an input, sorted by name in each folder; names that begin with `.` or `_` are passed over.

    Raises:
        InputFileError: there is no such file or folder, or it or a file in it cannot be read.
        DataError: a folder holds no files.
        ConfigError: two files have one name, by which their shards would be named, or one has too long a name.
    """
    files = [file for root in roots for file in _below(root)]
    by_name: dict[str, InputFile] = {}
    for file in files:
        if (other := by_name.setdefault(file.name, file)) is not file:
            what = f"{other.path} and {file.path} have one name, by which their output is named: translate them apart"
            raise ConfigError("INPUT", what)
        longest = _LONGEST_NAME - _LONGEST_ADDED
        if len(file.name.rpartition("/")[2].encode()) > longest:
            raise ConfigError("INPUT", f"{file.path} has a name of more than {longest} bytes, too long for its output")
    return files


def _below(root: str) -> list[InputFile]:
    from pyarrow.fs import FileType

    location = locate(root)
    with reading_errors(root):
        kind = location.files.get_file_info(location.path).type
        if kind == FileType.NotFound:
            raise FileNotFoundError
        is_folder = kind == FileType.Directory
        name = location.path.rpartition("/")[2]
        found = list_files(location) if is_folder else [_found(location, name)]
    files = [one for one in found if not (is_folder and _is_hidden(one.name))]
    for one in files:
        if one.why_unreadable is not None:
            raise InputFileError(one.path if is_folder else root, one.why_unreadable)
    if not files:
        raise DataError(root, "holds no files")
    return [InputFile(one.name, root, one.path, one.size, one.modified) for one in files]


def _found(location: Location, name: str) -> FoundFile:
    if location.is_local:
        return file_at(Path(location.path), name)
    info = location.files.get_file_info(location.path)
    return FoundFile(name, info.path, info.size or 0, info.mtime_ns or 0)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def input_format(files: Sequence[InputFile]) -> str:
    """Returns the format that the names of files tell, an unknown ending being that of text.

    Raises:
        DataError: they tell several.
    """
    formats: dict[str, str] = {}
    for file in files:
        formats.setdefault(format_of(file.name), file.name)
    if len(formats) > 1:
        (one, first), (other, second) = list(formats.items())[:2]
        what = f"holds {one} ({first}) and {other} ({second}): expected one format, or --input-format"
        raise DataError(files[0].root, what)
    return next(iter(formats))


def format_of(name: str) -> str:
    """Returns the format that a name tells, also in front of `.gz` and the like."""
    unpacked = unpacked_name(name).lower()
    own = next((kind for ending, kind in _ENDINGS.items() if unpacked.endswith(ending)), None)
    return own or (kind if (kind := format_by_name(name)) in FORMATS else TEXT)
