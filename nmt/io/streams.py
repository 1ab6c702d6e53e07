"""Files and standard streams, compressed or not, with errors that name the file.

`-` is standard input or output. A path that ends in `.gz`, `.xz`, `.bz2` or `.zst` is read and written compressed, the
last with the extra `zstd`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from nmt.errors import InputFileError, NmtError, StorageError
from nmt.io.atomic_files import new_output
from nmt.io.compression import (
    BLOCK_BYTES,
    DamagedDataError,
    compression_of,
    packing_writer,
    require_library,
    unpacked_blocks,
)
from nmt.io.file_kind import ARCHIVES, COMPRESSED, HEAD_BYTES, FileKind, kind_of
from nmt.io.lines import Line, output_line, ready_lines
from nmt.io.readiness import is_readable, must_wait_to_read, wait_to_read, wait_to_write

_LINES_AT_ONCE = 4096

# Names of archives; others, too, are told by what they hold, but only where a text is expected.
_ARCHIVE_NAME = re.compile(r"\.(zip|7z|rar|tgz|tar(\.\w+)?)$", re.IGNORECASE)

_READ_BY_PREPARE = ARCHIVES - {FileKind.SEVEN_ZIP, FileKind.RAR} | COMPRESSED | {FileKind.PARQUET}
_NO_TEXT = ARCHIVES | _READ_BY_PREPARE | {FileKind.PDF, FileKind.PICTURE, FileKind.OFFICE}


class InputStream:
    """Bytes read block by block from `name`; as a context manager, closes what `open_input` opened."""

    def __init__(self, name: str, blocks: Iterator[bytes], descriptor: int | None, resources: ExitStack) -> None:
        self.name = name
        self._blocks = blocks
        self._descriptor = descriptor  # None where reading never waits for a writer
        self._resources = resources

    def read(self) -> bytes:
        """Returns the next bytes, as many as are there: 1 to `BLOCK_BYTES`; `b""` at the end.

        Raises InputFileError if reading fails, or compressed data is damaged or cut short.
        """
        with _input_errors(self.name):
            if self._descriptor is not None:
                wait_to_read(self._descriptor)  # one that the caller made non-blocking would not wait by itself
            return next(self._blocks, b"")

    def refuse_other_than_text(self) -> None:
        """Makes the first `read` raise InputFileError if what is there begins as an archive or the like does."""
        self._blocks = _text_blocks(self.name, self._blocks)

    def is_ready(self) -> bool:
        """Returns whether `read` would return without waiting for a writer."""
        return self._descriptor is None or is_readable(self._descriptor)

    def must_wait(self) -> bool:
        """Returns whether `read` would wait for a writer; False, too, where nobody knows, and `read` has to try."""
        return self._descriptor is not None and must_wait_to_read(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()


class LineWriter:
    """Writes lines as UTF-8, each ended by `\\n`; as a context manager, flushes and closes.

    A write that failed is not tried again.

    Raises:
        StorageError: a write failed.
        BrokenPipeError: the pipe has lost its reader.
    """

    def __init__(self, name: str, write: Callable[[bytes], object], resources: ExitStack) -> None:
        self.name = name
        self._write = write
        self._resources = resources
        self._pending = bytearray()

    def write(self, text: str) -> None:
        """Writes `output_line(text)`, at the next `flush` at the latest."""
        self._pending += output_line(text).encode() + b"\n"
        if len(self._pending) >= BLOCK_BYTES:
            self.flush()

    def write_bytes(self, data: bytes) -> None:
        """Hands bytes to the system at once, behind all lines."""
        self._pending += data
        self.flush()

    def flush(self) -> None:
        """Hands all lines to the system, or to the compressor of a compressed file."""
        pending, self._pending = bytes(self._pending), bytearray()
        if pending:
            with _output_errors(self.name):
                self._write(pending)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _output_errors(self.name), self._resources:
            self.flush()


def open_input(path: str, offset: int = 0) -> InputStream:
    """Opens `path` for reading, whatever it holds, unless its name says that it is an archive, and it is one.

    `offset` is the byte to begin with, in a file that is not compressed.

    Raises InputFileError if it is missing, is a directory, may not be read, or, at the first `read`, is an archive.
    """
    return _open_input(path, check=not offset and _ARCHIVE_NAME.search(path) is not None, offset=offset)


def open_text(path: str) -> InputStream:
    """Opens a text for reading as `open_input` does; archives and the like are refused at the first `read`."""
    return _open_input(path, check=True)


def _open_input(path: str, *, check: bool, offset: int = 0) -> InputStream:
    if path == "-":
        return _open_standard_input()
    compression = compression_of(path)
    with _input_errors(path), ExitStack() as resources:
        file = _checked_path(path, InputFileError)
        if compression is not None:
            packed = resources.enter_context(file.open("rb"))
            require_library(compression, path, InputFileError)
            stream = InputStream(path, unpacked_blocks(packed, compression), None, resources.pop_all())
        else:
            raw = resources.enter_context(file.open("rb", buffering=0))
            if offset:
                raw.seek(offset)
            stream = _from_descriptor(path, raw.fileno(), resources.pop_all())
    if check:
        stream.refuse_other_than_text()
    return stream


def open_output(path: str) -> LineWriter:
    """Opens `path` for writing lines, and empties a file of that name; raises StorageError if it cannot be written."""
    if path == "-":
        return _open_standard_output()
    compression = compression_of(path)
    with _output_errors(path), ExitStack() as resources:
        file = _checked_path(path, StorageError)
        if compression is not None:
            require_library(compression, path, StorageError)
            raw = resources.enter_context(file.open("wb"))
            return LineWriter(path, packing_writer(raw, compression, resources), resources.pop_all())
        descriptor = resources.enter_context(file.open("wb", buffering=0)).fileno()
        return LineWriter(path, lambda data: _write_all(descriptor, data), resources.pop_all())


@contextmanager
def open_whole_output(path: str) -> Iterator[Callable[[bytes], object]]:
    """Yields the function that writes to `path`, which has its new content at the end, whole, or keeps the old one.

    Standard output, a pipe or a device is written to at once. Raises StorageError if it cannot be written.
    """
    if path == "-":
        with _open_standard_output() as writer, _output_errors(writer.name):
            yield writer.write_bytes
        return
    compression = compression_of(path)
    with _output_errors(path), ExitStack() as resources:
        file = _checked_path(path, StorageError)
        require_library(compression, path, StorageError)
        raw = resources.enter_context(new_output(file))
        yield raw.write if compression is None else packing_writer(raw, compression, resources)


def read_lines(path: str, warn: Callable[[str], None]) -> Iterator[Line]:
    """Yields the lines of a text (see `ready_lines`); memory does not grow with their number or their length.

    Raises InputFileError if the file cannot be opened, is an archive or the like or, on the way, cannot be read.
    """
    with open_text(path) as stream:
        for lines in ready_lines(stream, warn, most=_LINES_AT_ONCE):
            yield from lines


def _open_standard_input() -> InputStream:
    name = "standard input"
    if sys.stdin is None:
        raise InputFileError(name, "is closed")
    try:
        descriptor = sys.stdin.fileno()
    except OSError:  # replaced by a stream in memory
        return InputStream(name, iter(lambda: sys.stdin.buffer.read(BLOCK_BYTES), b""), None, ExitStack())
    return _from_descriptor(name, descriptor, ExitStack())


def _from_descriptor(name: str, descriptor: int, resources: ExitStack) -> InputStream:
    # Below Python's own buffers, so that `is_ready` and `read` speak of the same bytes.
    return InputStream(name, iter(lambda: os.read(descriptor, BLOCK_BYTES), b""), descriptor, resources)


def _text_blocks(name: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(blocks, b"")
    kind = kind_of(first[:HEAD_BYTES])
    if kind in _NO_TEXT:
        reader = "; nmt prepare reads it" if kind in _READ_BY_PREPARE else ""
        raise InputFileError(name, f"is {kind}, not text{reader}")
    yield first
    yield from blocks


def _open_standard_output() -> LineWriter:
    name = "standard output"
    if sys.stdout is None:
        raise StorageError(name, "is closed")
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # replaced by a stream in memory
        return LineWriter(name, sys.stdout.buffer.write, ExitStack())
    # Past Python's own buffer, which would repeat at exit the write that a full disk or a broken pipe refused.
    return LineWriter(name, lambda data: _write_all(descriptor, data), ExitStack())


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:  # the caller made the descriptor non-blocking
            wait_to_write(descriptor)


def _checked_path(path: str, error_class: type[NmtError]) -> Path:
    with suppress(UnicodeEncodeError):
        if path and b"\0" not in os.fsencode(path):
            return Path(path)
    raise error_class(repr(path), "is no name a file can have")


@contextmanager
def _input_errors(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputFileError(name, "no such file") from error
    except IsADirectoryError as error:
        raise InputFileError(name, "is a directory, not a file") from error
    except DamagedDataError as error:
        raise InputFileError(name, f"is damaged, or not compressed as its name says: {error}") from error
    except EOFError as error:
        raise InputFileError(name, "ends in the middle of its compressed data") from error
    except OSError as error:
        raise InputFileError(name, f"cannot be read: {error.strerror or error}") from error


@contextmanager
def _output_errors(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(name, f"cannot be written: {error.strerror or error}") from error
