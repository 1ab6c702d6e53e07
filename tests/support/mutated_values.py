"""Random changes of the bytes of a file, and of the values in JSON and YAML, often to another type."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from nmt.checkpoint.layout import CONFIG, MANIFEST
from nmt.config import from_yaml
from nmt.io.strict_json import encode_json
from sealing import seal

Contents = dict[str, bytes]  # of the files of a directory, by name

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
    contents[MANIFEST] = encode_json(document) if generator.random() < 0.15 else seal(document)
    return f"{MANIFEST}: {what}"


def change_summary(contents: Contents, generator: random.Random) -> str:
    document = json.loads(contents[MANIFEST])
    what = change_values(document["summary"], generator)
    contents[MANIFEST] = seal(document)
    return f"{MANIFEST}: summary: {what}"


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
