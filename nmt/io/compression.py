"""Compressed files: gzip, Zstandard, xz and bzip2, read and written block by block in bounded memory."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, Protocol

from nmt.errors import NmtError
from nmt.io.file_kind import FileKind
from nmt.libraries import how_to_install

BLOCK_BYTES = 1 << 16
"""Number of bytes read at once, and gathered before they are written."""

ENDINGS = {".gz": FileKind.GZIP, ".zst": FileKind.ZSTANDARD, ".xz": FileKind.XZ, ".bz2": FileKind.BZIP2}
"""The endings of names that say how a file is compressed."""

# One kibibyte of Zstandard can hold 32 MiB of text, which its decompressor returns all at once.
_ZSTANDARD_BLOCK_BYTES = 1 << 10

# Files of `xz -9` need 65 MiB; who wants can make some that need 4 GiB.
_XZ_MEMORY = 1 << 28


class DamagedDataError(Exception):
    """Compressed data cannot be unpacked."""


def compression_of(name: str) -> FileKind | None:
    """Returns how a file is compressed by its name; None for one that is not."""
    return next((kind for ending, kind in ENDINGS.items() if name.endswith(ending)), None)


def unpacked_name(name: str) -> str:
    """Returns a name without the ending that says how a file is compressed."""
    ending = next(filter(name.endswith, ENDINGS), "")
    return name.removesuffix(ending)


def require_library(kind: FileKind | None, name: str, error_class: type[NmtError]) -> None:
    """Raises an error about the file `name` if what reads and writes its compression is not installed."""
    if kind is FileKind.ZSTANDARD and importlib.util.find_spec("zstandard") is None:
        raise error_class(name, f"needs Zstandard: {how_to_install('zstd')}")


def unpacked_blocks(packed: IO[bytes], kind: FileKind) -> Iterator[bytes]:
    """Yields what a compressed file holds, in blocks of 1 to `BLOCK_BYTES`; of several files one after another, all.

    Raises:
        DamagedDataError: the data is damaged, or compressed in another way.
        EOFError: the file is cut short, were it to nothing.
    """
    try:
        if kind is FileKind.ZSTANDARD:
            yield from _zstandard_blocks(packed)
        else:
            yield from _blocks_of_members(packed, kind)
    except (zlib.error, lzma.LZMAError) as error:
        raise DamagedDataError(str(error)) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise DamagedDataError(str(error)) from error  # how bz2 tells of it


def packing_writer(raw: IO[bytes], kind: FileKind, resources: ExitStack) -> Callable[[bytes], object]:
    """Returns the function that writes to `raw` what it is given, compressed; `resources` closes its compressor."""
    if kind is FileKind.GZIP:
        # Without name and time in its header the same lines give the same file.
        return resources.enter_context(gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0)).write
    if kind is FileKind.ZSTANDARD:
        import zstandard

        return resources.enter_context(zstandard.ZstdCompressor().stream_writer(raw)).write
    if kind is FileKind.XZ:
        return resources.enter_context(lzma.LZMAFile(raw, "wb")).write
    return resources.enter_context(bz2.BZ2File(raw, "wb")).write


class _Decompressor(Protocol):
    """Unpacks one member of a compressed file; `lzma` and `bz2` have such."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipDecompressor:
    """A `_Decompressor` for gzip, with checksums."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)


# Each of a file's members has a decompressor of its own. Between them, and after the last, gzip and xz allow zeros.
_DECOMPRESSORS: dict[FileKind, tuple[Callable[[], _Decompressor], bytes]] = {
    FileKind.GZIP: (_GzipDecompressor, b"\0"),
    FileKind.XZ: (lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY), b"\0"),
    FileKind.BZIP2: (bz2.BZ2Decompressor, b""),
}


def _blocks_of_members(packed: IO[bytes], kind: FileKind) -> Iterator[bytes]:
    begin, padding = _DECOMPRESSORS[kind]
    member, is_empty = None, True
    while data := packed.read(BLOCK_BYTES):
        is_empty = False
        while True:
            if member is None:
                data = data.lstrip(padding)
                if not data:
                    break
                member = begin()
            block = member.decompress(data, BLOCK_BYTES)
            data = b""
            if block:
                yield block
            if member.eof:
                data, member = member.unused_data, None
            elif member.needs_input:
                break
    if member is not None or is_empty:
        raise EOFError


def _zstandard_blocks(packed: IO[bytes]) -> Iterator[bytes]:
    """Unpacks one or several frames; unlike `zstandard`'s own reader, notices a frame that is cut short."""
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
        raise DamagedDataError(str(error)) from error
    if frame is not None or is_empty:
        raise EOFError
