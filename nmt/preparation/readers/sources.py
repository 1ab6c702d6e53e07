"""What pairs are read from: files, members of archives and streams, compressed or not, each with what it looks like."""

from __future__ import annotations

import csv
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import IO, NamedTuple

from nmt.errors import DataError, InputFileError
from nmt.io.atomic_files import storage_errors
from nmt.io.compression import BLOCK_BYTES, require_library, unpacked_blocks, unpacked_name
from nmt.io.file_kind import COMPRESSED, HEAD_BYTES, FileKind, kind_of
from nmt.io.lines import MAX_LINE_BYTES
from nmt.io.streams import InputStream, open_input

FREE_BYTES = 1 << 26
"""What anything may be unpacked to."""

MOST_EXPANSION = 200
"""Times its size that it may be unpacked to beyond that; text is packed to a twentieth at best."""

_SECONDS_BETWEEN_TICKS = 0.05

_COLUMN_ENDINGS = (".tsv", ".tab")
_CSV_ENDING = ".csv"
_SHOWN_FILES = 4
_LEAST_CSV_LINES = 5  # of a file whose name does not say that it is CSV
_TABS = re.compile(r"[^\t]*\t")
_IDENTIFIED = re.compile(r"\d+\t[^\t]*\t\d+\t")
TAG_LINE = re.compile(
    r"\s*(<(url|title|description|keywords|talkid|speaker|translator|reviewer)\b[^>]*>.*</\2>|</?(doc|transcript)\b[^>]*>)\s*"
)
"""A line that says something of a talk, in the training files of IWSLT."""


class Look(Enum):
    """What lines of text look like, by the first of them."""

    COLUMNS = auto()  # parted by tabs
    IDENTIFIED_COLUMNS = auto()  # number, sentence, number, sentence
    TALKS = auto()  # lines, with others between them that are tags
    COMMAS = auto()  # CSV, by its name, too
    SEMICOLONS = auto()
    LIKE_CSV = auto()  # lines that might be CSV, but not by the name
    LINES = auto()


CSV_LOOKS = {Look.COMMAS: ",", Look.SEMICOLONS: ";"}
"""The looks of CSV, with what parts its columns."""


class UnpackingLimit:
    """Bounds what is unpacked by what it was packed in."""

    def __init__(self, name: str, packed_bytes: int) -> None:
        self._name = name
        self._packed = packed_bytes
        self._left = FREE_BYTES + MOST_EXPANSION * packed_bytes

    def bounded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yields the blocks; raises DataError where they become too many."""
        for block in blocks:
            self.count(len(block))
            yield block

    def count(self, unpacked: int) -> None:
        """Counts bytes that were unpacked, or will be; raises DataError where they are too many."""
        self._left -= unpacked
        if self._left < 0:
            what = f"unpacks to more than {MOST_EXPANSION} times its {self._packed:,} bytes, as no text does; not read"
            raise DataError(self._name, what)


@dataclass(frozen=True)
class Storage:
    """Bytes as they are stored."""

    open: Callable[[], IO[bytes]]
    expansion: Callable[[], UnpackingLimit]  # for each time that all of it is read
    path: Path | None = None  # of the file that holds nothing else; None inside of an archive


class Source(NamedTuple):
    """Something that pairs may be read from, as often as needed."""

    name: str  # as errors and places of pairs call it
    storage: Storage
    compression: FileKind | None  # around what it holds
    kind: FileKind  # of what it holds
    look: Look  # of what it holds, if that is text
    is_complete_set: bool  # True for a test set with source and translation in one file

    def open(self) -> InputStream:
        """Opens it for reading, unpacked.

        Reading raises InputFileError where it is damaged, and DataError where it unpacks to too much.
        """
        return _opened(self.name, self.storage, self.compression, self.storage.expansion())

    @contextmanager
    def as_file(self, workspace: Path, tick: Callable[[], None]) -> Iterator[Path]:
        """Yields a file that holds it unpacked: itself, or a copy in `workspace`, which is then removed."""
        if self.storage.path is not None and self.compression is None:
            yield self.storage.path
            return
        with TemporaryDirectory(dir=workspace) as folder:
            copy = Path(folder) / "copy"
            with self.open() as stream:
                write_copy(stream, copy, tick)
            yield copy


def _opened(name: str, storage: Storage, compression: FileKind | None, expansion: UnpackingLimit) -> InputStream:
    with ExitStack() as resources:
        packed = resources.enter_context(storage.open())
        if compression is None:
            blocks: Iterator[bytes] = iter(lambda: packed.read(BLOCK_BYTES), b"")
        else:
            blocks = unpacked_blocks(packed, compression)
        return InputStream(name, expansion.bounded(blocks), None, resources.pop_all())


def examined(name: str, storage: Storage) -> Source:
    """Finds out by its first bytes what something is.

    Raises:
        DataError: it is compressed twice.
        InputFileError: it cannot be read.
    """
    with _opened(name, storage, None, UnpackingLimit(name, FREE_BYTES)) as stream:
        head = _head(stream)
    compression = None
    kind = kind_of(head[:HEAD_BYTES])
    if kind in COMPRESSED:
        compression = kind
        require_library(kind, name, InputFileError)
        with _opened(name, storage, compression, UnpackingLimit(name, FREE_BYTES)) as stream:
            head = _head(stream)
        kind = kind_of(head[:HEAD_BYTES])
        if kind in COMPRESSED:
            raise DataError(name, f"is {compression}, and what it holds is {kind} once more; unpack it first")
    is_complete_set = kind is FileKind.TEST_SET and b"<dataset" in head.replace(b"\0", b"")  # in UTF-16, too
    return Source(name, storage, compression, kind, look_of(name, head), is_complete_set)


def _head(stream: InputStream) -> bytes:
    """Reads the first bytes; of text a line at least, unless it is longer than any that is read."""
    head = stream.read()
    if kind_of(head[:HEAD_BYTES]) is FileKind.TEXT:
        while b"\n" not in head and len(head) <= MAX_LINE_BYTES and (block := stream.read()):
            head += block
    return head


def look_of(name: str, head: bytes) -> Look:
    """Tells by the first lines of a text, and where they leave doubts by its name, how they hold pairs."""
    whole = head[: head.rfind(b"\n") + 1] or head
    lines = [line for line in whole.decode(errors="replace").split("\n") if line.strip(" \r")]
    with_tabs = sum(_TABS.match(line) is not None for line in lines)
    is_named = unpacked_name(name).endswith(_COLUMN_ENDINGS)
    least = 1 if is_named else max(1, len(lines) / 2)
    if is_named and not with_tabs and len(whole) > MAX_LINE_BYTES:
        return Look.COLUMNS
    if with_tabs >= least:
        identified = sum(_IDENTIFIED.match(line) is not None for line in lines)
        return Look.IDENTIFIED_COLUMNS if 10 * identified >= 9 * len(lines) else Look.COLUMNS
    if any(TAG_LINE.fullmatch(line) for line in lines):
        return Look.TALKS
    is_named = unpacked_name(name).lower().endswith(_CSV_ENDING)
    if look := next(
        (look for look, sign in CSV_LOOKS.items() if _is_csv(whole, sign, 1 if is_named else _LEAST_CSV_LINES)), None
    ):
        return look if is_named else Look.LIKE_CSV
    return Look.LINES


def _is_csv(head: bytes, sign: str, least: int) -> bool:
    """Returns whether all lines, `least` of them at least, are well-formed and have as many columns, two or more."""
    widths: list[int] = []
    lines = head.decode("utf-8-sig", "replace").replace("\r\n", "\n").splitlines(keepends=True)
    try:
        for row in csv.reader(lines, delimiter=sign, strict=True):
            widths += [len(row)] if row else []
    except csv.Error as error:
        # The head may end inside of a text of several lines.
        if "unexpected end" not in str(error):
            return False
    return len(widths) >= least and len(set(widths)) == 1 and widths[0] > 1


def file_source(path: str, workspace: Path, tick: Callable[[], None]) -> Source:
    """Examines an input; what is no regular file, such as standard input, is first copied to `workspace`.

    Raises as `examined` does.
    """
    name, file = path, Path(path)
    if path != "-" and _is_folder(file):
        raise InputFileError(path, f"is a folder; {_of_folder(file)}")
    if path == "-" or not _is_regular(file):
        with open_input(path) as stream:  # raises where there is nothing
            name, file = stream.name, Path(mkdtemp(dir=workspace)) / "copy"
            write_copy(stream, file, tick)
    else:
        open_input(path).__exit__()
    source = examined(name, local_storage(name, file))
    if source.compression is not None and source.kind is FileKind.BINARY:
        _check_unpacking(source, tick)  # damaged data may look so
    return source


def _check_unpacking(source: Source, tick: Callable[[], None]) -> None:
    """Unpacks all of it; raises InputFileError where it is damaged."""
    with source.open() as stream:
        while stream.read():
            tick()


def _is_folder(file: Path) -> bool:
    try:
        return file.is_dir()
    except ValueError:  # no name a file can have
        return False


def _of_folder(folder: Path) -> str:
    """Says what to give in place of a folder."""
    try:
        files = sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
    except OSError:
        files = []
    shown = " ".join(shlex.quote(str(one)) for one in files[:_SHOWN_FILES])
    more = " …" if len(files) > _SHOWN_FILES else ""
    return f"name the files in it that are the corpus, of {shown}{more}" if files else "expected files, and it has none"


def _is_regular(file: Path) -> bool:
    try:
        return file.is_file()
    except ValueError:  # no name a file can have
        return False


def local_storage(name: str, file: Path) -> Storage:
    """Makes the storage of a regular file, which `name` stands for."""
    size = file.stat().st_size
    return Storage(lambda: file.open("rb"), lambda: UnpackingLimit(name, size), file)


def write_copy(stream: InputStream, path: Path, tick: Callable[[], None]) -> None:
    """Copies what a stream has to a new file; `tick` is called often, also while a pipe has nothing.

    Where nobody knows whether a pipe has something (see `nmt.io.readiness`), reading it waits, without a tick.

    Raises:
        StorageError: the disk is full.
    """
    with path.open("xb") as copy:
        while True:
            tick()
            if stream.must_wait():
                time.sleep(_SECONDS_BETWEEN_TICKS)
                continue
            block = stream.read()
            if not block:
                return
            with storage_errors(path):
                copy.write(block)
