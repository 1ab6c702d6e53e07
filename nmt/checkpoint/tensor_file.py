"""The content of a safetensors file, read without torch: the names, types and shapes of its tensors, their numbers.

Format: https://huggingface.co/docs/safetensors#format. A file begins with the length of its header, in eight bytes, and
the header, in JSON; the numbers of all tensors follow, one after the other and little-endian.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from nmt.checkpoint.manifest import FileRecord, Manifest, open_regular_file, read_file
from nmt.errors import ModelError
from nmt.io.strict_json import parse_json

# The header lists the tensors; a model has some dozens of them, of about a hundred bytes each.
_LARGEST_HEADER = 1 << 20
_LENGTH_BYTES = 8
_BLOCK_BYTES = 1 << 20
_METADATA = "__metadata__"
_MOST_DIMENSIONS = 8
_MOST_NUMBERS = 1 << 60

NUMBER_BYTES: Mapping[str, int] = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
"""The number types that this program writes, by the format's names, with the size of a number in bytes."""

_NUMPY_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_BF16_EXPONENT = 0x7F80  # all of its bits are set in NaN and infinities alone


class Entry(NamedTuple):
    """A tensor of a file: `start` and `end` count bytes from the beginning of the file."""

    type: str
    shape: tuple[int, ...]
    start: int
    end: int


def check_header_length(path: Path, start: bytes) -> int:
    """Returns the length of the header, which a file's first bytes give.

    Raises ModelError if there is none, or the header would be too large to be parsed safely.
    """
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if len(start) < _LENGTH_BYTES or length > _LARGEST_HEADER:
        raise ModelError(str(path), f"not a safetensors file of this program: its header has {length} bytes")
    return length


def read_entries(path: Path, size: int) -> dict[str, Entry]:
    """Reads the tensors that the header of a file of `size` bytes lists, by name, but none of their numbers.

    Raises ModelError if the file is missing, of another size, or not safetensors.
    """
    with open_regular_file(path, size) as (file, _):
        return _entries(path, file, size)


def read_arrays(directory: Path, name: str, manifest: Manifest) -> dict[str, NDArray[np.float32]]:
    """Reads a file of a checksummed directory that holds tensors of float32 alone.

    Raises ModelError if it is missing, damaged or not such a file, or a tensor holds NaN or an infinity.
    """
    path = directory / name
    entries = read_entries(path, manifest.files[name].size)
    data = read_file(directory, name, manifest)
    arrays = {}
    for tensor, entry in entries.items():
        if entry.type != "F32":
            raise ModelError(str(path), f"{tensor:.100} holds numbers of the type {entry.type}; expected F32")
        numbers = np.frombuffer(data, _NUMPY_FLOATS["F32"], math.prod(entry.shape), entry.start)
        if not np.isfinite(numbers).all():
            raise ModelError(str(path), f"{tensor:.100} holds NaN or an infinity")
        arrays[tensor] = numbers.reshape(entry.shape)
    return arrays


def check_numbers(directory: Path, name: str, record: FileRecord) -> None:
    """Checks that a file of a checksummed directory is safetensors and holds finite numbers only, in constant memory.

    Raises ModelError if it does not, or is missing or of another size.
    """
    path = directory / name
    with open_regular_file(path, record.size) as (file, _):
        for tensor, entry in _entries(path, file, record.size).items():
            if not all(_are_finite(block, entry.type) for block in _blocks(path, file, entry)):
                raise ModelError(str(path), f"{tensor:.100} holds NaN or an infinity")


def _entries(path: Path, file: BinaryIO, size: int) -> dict[str, Entry]:
    length = check_header_length(path, file.read(_LENGTH_BYTES))
    header = parse_json(file.read(length), path)
    if not isinstance(header, dict):
        raise ModelError(str(path), "not a safetensors file: its header is no JSON object")
    begin = _LENGTH_BYTES + length
    entries = {name: _entry(path, name, value, begin) for name, value in header.items() if name != _METADATA}
    place = begin
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.start != place:
            raise ModelError(str(path), f"not a safetensors file: {name:.100} begins at {entry.start}, not at {place}")
        place = entry.end
    if place != size:
        raise ModelError(str(path), f"not a safetensors file: its tensors end at {place}, the file at {size}")
    return entries


def _entry(path: Path, name: str, value: object, begin: int) -> Entry:
    """Reads the header's entry of a tensor."""
    fields = value if isinstance(value, dict) else {}
    shape, offsets, kind = fields.get("shape"), fields.get("data_offsets"), fields.get("dtype")
    if not (_are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2):
        raise ModelError(str(path), f"not a safetensors file: {name:.100} has no shape and data_offsets")
    if not isinstance(kind, str) or kind not in NUMBER_BYTES:
        what = f"{name:.100} holds numbers of the type {kind!r:.40}; known are {', '.join(NUMBER_BYTES)}"
        raise ModelError(str(path), what)
    start, end = offsets
    is_reasonable = math.prod(max(1, size) for size in shape) < _MOST_NUMBERS
    if not is_reasonable or end - start != math.prod(shape) * NUMBER_BYTES[kind]:
        what = f"not a safetensors file: {name:.100} has {end - start} bytes, which do not fit its shape"
        raise ModelError(str(path), what)
    return Entry(kind, tuple(shape), begin + start, begin + end)


def _are_sizes(value: object) -> TypeGuard[list[int]]:
    """Returns True for a list of a few whole numbers from 0, none of them beyond 64 bits."""
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        return False
    return all(type(number) is int and 0 <= number < 1 << 63 for number in value)


def _blocks(path: Path, file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    file.seek(entry.start)
    for start in range(entry.start, entry.end, _BLOCK_BYTES):
        wanted = min(_BLOCK_BYTES, entry.end - start)
        block = file.read(wanted)
        if len(block) < wanted:
            raise ModelError(str(path), "damaged: it ends before its tensors do")
        yield block


def _are_finite(numbers: bytes, kind: str) -> bool:
    if kind == "BF16":
        exponents = np.frombuffer(numbers, "<u2") & _BF16_EXPONENT
        return not bool((exponents == _BF16_EXPONENT).any())
    return kind not in _NUMPY_FLOATS or bool(np.isfinite(np.frombuffer(numbers, _NUMPY_FLOATS[kind])).all())
