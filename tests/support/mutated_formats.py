"""Random changes of safetensors files and SentencePiece models, which a byte changed here and there would never be."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Sequence
from typing import Any

from mutated_values import Contents, change_values, changed_bytes
from nmt.checkpoint.layout import SHORTLIST, WEIGHTS


def split_tensors(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and numbers of a safetensors file."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join_tensors(header: dict[str, Any], numbers: bytes, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", (len(text) if length is None else length) % (1 << 64)) + text + numbers


def tensor_file(contents: Contents, generator: random.Random) -> str:
    return SHORTLIST if SHORTLIST in contents and generator.random() < 0.3 else WEIGHTS


def change_header(contents: Contents, generator: random.Random) -> str:
    name = tensor_file(contents, generator)
    header, numbers = split_tensors(contents[name])
    tensor = generator.choice([key for key in header if key != "__metadata__"])
    entry, length = header[tensor], None
    match kind := generator.choice(("value", "value", "length", "dtype", "shape", "offsets", "rename", "metadata")):
        case "value":
            kind = change_values(header, generator)
        case "length":
            length = generator.choice((0, 1, 1 << 20, 1 << 32, (1 << 64) - 1, len(contents[name]), -1, 1 << 63))
        case "dtype":
            entry["dtype"] = generator.choice(
                ("F16", "BF16", "F64", "I64", "U8", "F8_E4M3", "C64", "PY", "BOOL", "U64")
            )
        case "shape":
            shape = entry["shape"]
            entry["shape"] = generator.choice(
                ([], [0], shape[::-1], [1, *shape], [1 << 62, 4, 0], [-1], [-size for size in shape], [*shape, 1 << 40])
            )
        case "offsets":
            entry["data_offsets"] = generator.choice(
                ([0, 0], [0, len(numbers)], [1 << 62, 1 << 63], entry["data_offsets"][::-1], [0, 1 << 50], [-4, 0])
            )
        case "rename":
            header[generator.choice(("other", "", "x" * 9999, "../x", "__metadata__"))] = header.pop(tensor)
        case "metadata":
            header["__metadata__"] = generator.choice(({"a": 1}, {"a": "b"}, [], "x", {"a": "x" * 1_100_000}))
    contents[name] = join_tensors(header, numbers, length)
    return f"{name}: {tensor} {kind}"


NUMBERS = (float("nan"), float("inf"), -float("inf"), 3e38, -3e38, 1e30, 1e-45, 0.0, 1e9)


def change_numbers(contents: Contents, generator: random.Random) -> str:
    """Numbers of a tensor that a training does not give: not finite, huge, or for a table, no tokens."""
    name = tensor_file(contents, generator)
    header, numbers = split_tensors(contents[name])
    tensor = generator.choice([key for key in header if key != "__metadata__"])
    start, end = header[tensor]["data_offsets"]
    changed = bytearray(numbers)
    if header[tensor]["dtype"] == "F32":
        value: float = generator.choice(NUMBERS)
        number = struct.pack("<f", value)
    else:
        value = generator.choice((-2, -(1 << 31), (1 << 31) - 1, 300, 0, -1))
        number = struct.pack("<i", value)
    count = generator.choice((1, 1, 3, (end - start) // 4))
    for place in generator.sample(range(start, end, 4), min(count, (end - start) // 4)):
        changed[place : place + 4] = number
    contents[name] = join_tensors(header, bytes(changed))
    return f"{name}: {value} {count} times in {tensor}"


def change_tensors(contents: Contents, generator: random.Random) -> str:
    """A tensor too many or too few, all of them fitting the file."""
    name = tensor_file(contents, generator)
    header, numbers = split_tensors(contents[name])
    if generator.random() < 0.5:
        size = generator.choice((0, 1, 1000))
        entry = {"dtype": "U8", "shape": [size], "data_offsets": [len(numbers), len(numbers) + size]}
        contents[name] = join_tensors(header | {"other": entry}, numbers + bytes(size))
        return f"{name}: another tensor of {size} bytes"
    last = max((key for key in header if key != "__metadata__"), key=lambda key: header[key]["data_offsets"][1])
    contents[name] = join_tensors(
        {key: entry for key, entry in header.items() if key != last}, numbers[: header[last]["data_offsets"][0]]
    )
    return f"{name}: without {last}"


# A tokenizer is a message of Protocol Buffers.


def varint(number: int) -> bytes:
    out = bytearray()
    number %= 1 << 64
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def split_message(message: bytes) -> list[tuple[int, int, Any]]:
    """Its fields as number, wire type and value."""
    place, found = 0, []

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(message):
        key = number()
        if key & 7 == 0:
            found.append((key >> 3, 0, number()))
            continue
        length = {1: 8, 5: 4}.get(key & 7) or number()
        found.append((key >> 3, key & 7, message[place : place + length]))
        place += length
    return found


def join_message(fields: Sequence[tuple[int, int, Any]]) -> bytes:
    out = bytearray()
    for number, kind, value in fields:
        out += varint(number << 3 | kind)
        out += varint(value) if kind == 0 else (varint(len(value)) if kind == 2 else b"") + value
    return bytes(out)


# Pieces; what was trained, and with it the type of the model and the ids of marks; normalizer and denormalizer.
MESSAGES_WITHIN = (1, 2, 3, 5)
VARINTS = (0, 1, 2, 3, 4, 5, 6, 7, 255, 1 << 31, (1 << 32) - 1, -1, -(1 << 31), 1 << 63)
FLOATS = (float("nan"), float("inf"), -float("inf"), 0.0, 1e38, -1e38, 1e-45, -3.0)
STRINGS = (
    b"",
    b"\0",
    b"\xff\xfe",
    "▁".encode(),
    b"<s>",
    b"<unk>",
    b"a" * 100_000,
    b"<0x41>",
    "e\u0301".encode(),
    b"ba",
)


def change_tokenizer(contents: Contents, generator: random.Random) -> str:
    name = generator.choice([name for name in sorted(contents) if name.endswith(".model")])
    fields = split_message(contents[name])
    by_number = {number: [place for place, field in enumerate(fields) if field[0] == number] for number, *_ in fields}
    # Each kind of field as often as any other, though most are pieces.
    place = generator.choice(by_number[generator.choice(sorted(by_number))])
    number, kind, value = fields[place]
    if kind == 2 and number in MESSAGES_WITHIN and value and generator.random() < 0.9:
        inner = split_message(value)
        what = f"{place}.{change_field(inner, generator)}"
        fields[place] = (number, kind, join_message(inner))
    else:
        what = change_field(fields, generator, place)
    contents[name] = join_message(fields)
    return f"{name}: field {what}"


def change_field(fields: list[tuple[int, int, Any]], generator: random.Random, place: int | None = None) -> str:
    """Changes, doubles or removes one of a message's fields, or adds one; says which."""
    place = generator.randrange(len(fields)) if place is None else place
    number, kind, value = fields[place]
    match generator.choice(("change", "change", "change", "change", "remove", "double", "number", "add")):
        case "remove":
            del fields[place]
            return f"{number} removed"
        case "double":
            fields[place:place] = [fields[place]] * generator.choice((1, 2, 5000))
            return f"{number} doubled"
        case "number":
            fields[place] = (generator.choice((1, 2, 3, 4, 5, 10, 40, 41, 42, 43, 99)), kind, value)
            return f"{number} becomes {fields[place][0]}"
        case "add":
            added = (generator.choice((3, 24, 35, 40, 41, 42, 43)), 0, generator.choice(VARINTS))
            fields.append(added)
            return f"{added[0]} = {added[2]} added"
    if kind == 0:
        value = generator.choice(VARINTS)
    elif kind == 5:
        value = struct.pack("<f", generator.choice(FLOATS))
    elif generator.random() < 0.6 and value:
        value, _ = changed_bytes(value, generator)
    else:
        value = generator.choice(STRINGS)
    fields[place] = (number, kind, value)
    return f"{number} = {value!r:.40}"
