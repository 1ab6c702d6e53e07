"""Files and standard streams, compressed or not, with errors that name the file.

`-` is standard input or output. A path that ends in `.gz` is read and written compressed with gzip, one that ends in
`.zst` with Zstandard, which needs the extra `zstd`.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from nmt.errors import InputFileError, NmtError, StorageError
from nmt.io.lines import Line, output_line, ready_lines
from nmt.io.readiness import is_readable, wait_to_read, wait_to_write
from nmt.libraries import how_to_install

BLOCK_BYTES = 1 << 16
"""Number of bytes read at once, and gathered before they are written."""

_LINES_AT_ONCE = 4096

# One kibibyte of Zstandard can hold 32 MiB of text, which its decompressor returns all at once.
_ZSTANDARD_BLOCK_BYTES = 1 << 10


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

    def is_ready(self) -> bool:
        """Returns whether `read` would return without waiting for a writer."""
        return self._descriptor is None or is_readable(self._descriptor)

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


def open_input(path: str) -> InputStream:
    """Opens `path` for reading; raises InputFileError if it is missing, is a directory, or may not be read."""
    if path == "-":
        return _open_standard_input()
    with _input_errors(path), ExitStack() as resources:
        if path.endswith(".gz"):
            packed = resources.enter_context(_checked_path(path, InputFileError).open("rb"))
            return InputStream(path, _gzip_blocks(packed), None, resources.pop_all())
        raw = resources.enter_context(_checked_path(path, InputFileError).open("rb", buffering=0))
        if path.endswith(".zst"):
            _require_zstandard(path, InputFileError)
            return InputStream(path, _zstandard_blocks(raw), None, resources.pop_all())
        return _from_descriptor(path, raw.fileno(), resources.pop_all())


def open_output(path: str) -> LineWriter:
    """Opens `path` for writing lines, and empties a file of that name; raises StorageError if it cannot be written."""
    if path == "-":
        return _open_standard_output()
    with _output_errors(path), ExitStack() as resources:
        if path.endswith(".zst"):
            _require_zstandard(path, StorageError)
        packed = path.endswith((".gz", ".zst"))
        raw = resources.enter_context(_checked_path(path, StorageError).open("wb", buffering=-1 if packed else 0))
        if path.endswith(".gz"):
            # Without name and time in its header the same lines give the same file.
            packer = resources.enter_context(gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0))
            return LineWriter(path, packer.write, resources.pop_all())
        if path.endswith(".zst"):
            import zstandard

            writer = resources.enter_context(zstandard.ZstdCompressor().stream_writer(raw))
            return LineWriter(path, writer.write, resources.pop_all())
        descriptor = raw.fileno()
        return LineWriter(path, lambda data: _write_all(descriptor, data), resources.pop_all())


def read_lines(path: str, warn: Callable[[str], None]) -> Iterator[Line]:
    """Yields the lines of `path` (see `nmt.io.lines.ready_lines`); the file is open until the last is taken.

    Raises InputFileError if the file cannot be opened or, on the way, cannot be read.
    """
    with open_input(path) as stream:
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


def _gzip_blocks(packed: io.BufferedReader) -> Iterator[bytes]:
    """Decompresses one or several members; unlike `gzip` itself, notices a file cut short to nothing."""
    if not packed.peek(1):
        raise EOFError
    with gzip.GzipFile(fileobj=packed, mode="rb") as unpacked:
        yield from iter(lambda: unpacked.read(BLOCK_BYTES), b"")


def _zstandard_blocks(packed: IO[bytes]) -> Iterator[bytes]:
    """Decompresses one or several frames; unlike `zstandard`'s own reader, notices a frame that is cut short."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    frame, is_empty = None, True
    try:
        while data := packed.read(_ZSTANDARD_BLOCK_BYTES):
            is_empty = False
            while data:
                frame = frame or decompressor.decompressobj()
                text = frame.decompress(data)
                yield from (text[start : start + BLOCK_BYTES] for start in range(0, len(text), BLOCK_BYTES))
                data = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise zlib.error(str(error)) from error
    if frame is not None or is_empty:
        raise EOFError


def _require_zstandard(path: str, error_class: type[NmtError]) -> None:
    if importlib.util.find_spec("zstandard") is None:
        raise error_class(path, f"needs Zstandard: {how_to_install('zstd')}")


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
    except (gzip.BadGzipFile, zlib.error) as error:
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
