"""Broken copies of a model directory: each with a random change of bytes, values, tensors, pieces or whole files.

Of most changes of content the manifest is made to fit, so that its hashes save nobody from reading them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import stat
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.config import from_yaml
from nmt.manifest import CONFIG, MANIFEST, SHORTLIST, WEIGHTS, encode_json
from sealing import record, seal

Contents = dict[str, bytes]

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    7,
    1_000_000,
    1 << 31,
    1 << 63,
    -(1 << 70),
    10**90,
    0.5,
    -0.0,
    1e308,
    1e-320,
    "",
    "0",
    "none",
    "ba",
    "../../etc/passwd",
    "/dev/zero",
    "\u2028\x7f\u202e",
    "x" * 70_000,
    [],
    [1, "a", None],
    {},
    {"a": {"b": [{}]}},
]
KEPT = 0.15  # share of the changes of content that the manifest does not know of


@dataclass(frozen=True)
class Mutation:
    """What was done to a copy.

    Attributes:
        what: in words.
        damaged: the one file that is not as the manifest says; None where all are, or where more than that changed.
    """

    what: str
    damaged: str | None


def mutate(base: Path, directory: Path, generator: random.Random) -> Mutation:
    """Makes `directory`, which must not exist, a broken copy of the exported model `base`."""
    shutil.copytree(base, directory)
    if generator.random() < 0.12:
        return Mutation(*generator.choice(OF_FILES)(directory, generator))
    contents = {path.name: path.read_bytes() for path in sorted(directory.iterdir())}
    before = dict(contents)
    what = [generator.choice(OF_CONTENT)(contents, generator)]
    if generator.random() < 0.1:
        what.append(change_bytes(contents, generator))
    changed = [name for name in contents if contents[name] != before[name]]
    is_sealed = MANIFEST not in changed and generator.random() > KEPT
    if is_sealed:
        document = json.loads(contents[MANIFEST])
        document["files"] |= {name: record(contents[name]) for name in changed}
        contents[MANIFEST] = seal(document)
    for name, data in contents.items():
        (directory / name).write_bytes(data)
    return Mutation(
        f"{'; '.join(what)}{', sealed' if is_sealed else ''}",
        changed[0] if len(changed) == 1 and changed[0] != MANIFEST and not is_sealed else None,
    )


# Changes of bytes


def change_bytes(contents: Contents, generator: random.Random) -> str:
    name = generator.choice(sorted(contents))
    data, what = changed_bytes(contents[name], generator)
    contents[name] = data
    return f"{name}: {what}"


def changed_bytes(data: bytes, generator: random.Random) -> tuple[bytes, str]:
    """Bits flipped, bytes overwritten, cut out, put in or doubled, in one place or a few."""
    changed = bytearray(data)
    place = generator.randrange(len(data) + 1)
    length = min(generator.choice((1, 2, 4, 8, 64, 1000)), len(data) - place)
    match kind := generator.choice(
        ("put in",) if not data else ("flip", "flip", "overwrite", "cut out", "put in", "double", "truncate", "zero")
    ):
        case "flip":
            for _ in range(generator.randint(1, 8)):
                changed[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        case "overwrite":
            changed[place : place + length] = generator.randbytes(length)
        case "zero":
            changed[place : place + length] = bytes(length)
        case "cut out":
            del changed[place : place + length]
        case "put in":
            changed[place:place] = generator.randbytes(generator.choice((1, 8, 1000)))
        case "double":
            changed[place:place] = changed[place : place + length]
        case "truncate":
            del changed[place:]
    return bytes(changed), f"{kind} at {place}"


# Changes of values


def change_values(tree: Any, generator: random.Random) -> str:
    """Puts another value, often of another type, in some place of a tree, takes one out or adds one; says which."""
    place, path = tree, []
    while True:
        keys: Sequence[Any] = list(place) if isinstance(place, dict) else range(len(place))
        key = generator.choice(keys)
        path.append(str(key))
        if not (isinstance(place[key], dict | list) and place[key]) or generator.random() < 0.1:
            break
        place = place[key]
    value = generator.choice(VALUES)
    match generator.choice(("change", "change", "change", "shift", "remove", "add")):
        case "remove":
            del place[key]
            return f"{'.'.join(path)} removed"
        case "add" if isinstance(place, dict):
            place[generator.choice(("other", "Size", "0", ".."))] = value
            return f"beside {'.'.join(path)}: {value!r:.40}"
        case "shift" if type(place[key]) in (int, float):
            value = generator.choice((place[key] + 1, place[key] - 1, place[key] * 2, -place[key], place[key] * 1000))
    place[key] = value
    return f"{'.'.join(path)} = {value!r:.40}"


def change_manifest(contents: Contents, generator: random.Random) -> str:
    document = json.loads(contents[MANIFEST])
    what = change_values(document, generator)
    contents[MANIFEST] = encode_json(document) if generator.random() < KEPT else seal(document)
    return f"{MANIFEST}: {what}"


def change_configuration(contents: Contents, generator: random.Random) -> str:
    tree = from_yaml(contents[CONFIG], CONFIG).model_dump(mode="json")
    what = change_values(tree, generator)
    contents[CONFIG] = json.dumps(tree).encode()  # YAML, too
    return f"{CONFIG}: {what}"


YAML_PARTS = (
    "&a ",
    "*a ",
    "!!python/object:os.system ",
    "{",
    "[",
    "}",
    "- ",
    ": ",
    "? ",
    "\t",
    "'",
    '"',
    "%YAML 1.1\n",
)
YAML_BOMBS = ("[" * 3000, "a: " * 300, "{a: " * 100, "&a [" * 50, "x" * 999_999, "- " * 30_000, "a: 1\n" * 30_000)


def change_yaml(contents: Contents, generator: random.Random) -> str:
    text = contents[CONFIG].decode()
    place = generator.randrange(len(text) + 1)
    part = generator.choice(YAML_PARTS + YAML_BOMBS)
    contents[CONFIG] = (text[:place] + part + text[place:]).encode()
    return f"{CONFIG}: {part[:20]!r} at {place}"


# Changes of tensors


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


# Changes of a tokenizer: a message of Protocol Buffers


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


OF_CONTENT: list[Callable[[Contents, random.Random], str]] = [
    change_bytes,
    change_bytes,
    change_manifest,
    change_configuration,
    change_configuration,
    change_yaml,
    change_header,
    change_numbers,
    change_tensors,
    change_tokenizer,
    change_tokenizer,
    change_tokenizer,
]


# Changes of the files themselves; each gives what it did, and the file that is damaged by it


def remove(directory: Path, generator: random.Random) -> tuple[str, str]:
    name = some_name(directory, generator)
    (directory / name).unlink()
    return f"{name}: removed", name


def swap(directory: Path, generator: random.Random) -> tuple[str, None]:
    one, other = generator.sample(sorted(path.name for path in directory.iterdir()), 2)
    (directory / one).rename(directory / "between")
    (directory / other).rename(directory / one)
    (directory / "between").rename(directory / other)
    return f"{one} and {other} swapped", None


def replace(directory: Path, generator: random.Random) -> tuple[str, str]:
    """Puts something in a file's place that is no plain file."""
    name = some_name(directory, generator)
    path = directory / name
    kind = generator.choice(("directory", "link", "link elsewhere", "loop", "dangling", "pipe", "socket", "device"))
    path.rename(directory / "before")
    match kind:
        case "directory":
            path.mkdir()
        case "link":
            path.symlink_to("before")
        case "link elsewhere":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(name)
        case "dangling":
            path.symlink_to("nowhere")
        case "pipe":
            os.mkfifo(path)
        case "socket":
            bind_socket(path)
        case "device":
            make_device(path)
    return f"{name}: a {kind}", name


def bind_socket(path: Path) -> None:
    # By way of a short name: that of a socket has a hundred characters at most.
    descriptor = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"/proc/self/fd/{descriptor}/{path.name}")
    os.close(descriptor)


def make_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # that of endless zeros
    except PermissionError:  # for root alone
        os.mkfifo(path)


def grow(directory: Path, generator: random.Random) -> tuple[str, str]:
    name = some_name(directory, generator)
    size = generator.choice((1 << 20, (1 << 20) + 1, 1 << 33, 1 << 42))
    os.truncate(directory / name, size)
    return f"{name}: {size} bytes", name


def add(directory: Path, generator: random.Random) -> tuple[str, None]:
    name = generator.choice(("extra.bin", "__init__.py", "optimizer.safetensors", "source.model", "shared.model.bak"))
    with (directory / name).open("ab") as file:
        file.write(generator.randbytes(10))
    return f"{name}: added to", None


def empty(directory: Path, _generator: random.Random) -> tuple[str, None]:
    for path in directory.iterdir():
        path.unlink()
    return "all files removed", None


def some_name(directory: Path, generator: random.Random) -> str:
    return generator.choice(sorted(path.name for path in directory.iterdir()))


OF_FILES: list[Callable[[Path, random.Random], tuple[str, str | None]]] = [
    remove,
    remove,
    swap,
    swap,
    replace,
    replace,
    replace,
    replace,
    grow,
    grow,
    add,
    empty,
]
