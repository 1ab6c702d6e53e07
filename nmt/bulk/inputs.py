"""The files of an input: found, named and told apart, on any file system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from nmt.bulk.file_systems import Location, locate, reading_errors
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

_ENDINGS = {
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSONL,
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
}


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
    def place(self) -> Location:
        """Where it is."""
        return locate(self.root)._replace(path=self.path)


def find_inputs(roots: Sequence[str]) -> list[InputFile]:
    """Finds the files of an input, sorted by name in each folder; names that begin with `.` or `_` are passed over.

    Raises:
        InputFileError: there is no such file or folder, or it cannot be read.
        DataError: a folder holds no files.
        ConfigError: two files have one name, by which their shards would be named.
    """
    files = [file for root in roots for file in _below(root)]
    by_name: dict[str, InputFile] = {}
    for file in files:
        if (other := by_name.setdefault(file.name, file)) is not file:
            what = f"{other.path} and {file.path} have one name, by which their output is named: translate one apart"
            raise ConfigError("INPUT", what)
    return files


def _below(root: str) -> list[InputFile]:
    from pyarrow.fs import FileSelector, FileType

    place = locate(root)
    with reading_errors(root):
        info = place.files.get_file_info(place.path)
        if info.type == FileType.NotFound:
            raise FileNotFoundError
        if info.type == FileType.File:
            return [_input_file(place.path.rpartition("/")[2], root, info)]
        if info.type != FileType.Directory:
            raise InputFileError(root, "is neither a file nor a folder")
        found = place.files.get_file_info(FileSelector(place.path, recursive=True))
    start = len(place.path.rstrip("/")) + 1
    named = sorted(((one.path[start:], one) for one in found if one.type == FileType.File), key=itemgetter(0))
    files = [_input_file(name, root, one) for name, one in named if not _is_hidden(name)]
    if not files:
        raise DataError(root, "holds no files")
    return files


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def _input_file(name: str, root: str, info: Any) -> InputFile:
    return InputFile(name, root, info.path, info.size or 0, info.mtime_ns or 0)


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
    return next((kind for ending, kind in _ENDINGS.items() if unpacked.endswith(ending)), TEXT)
