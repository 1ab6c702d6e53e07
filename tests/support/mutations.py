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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mutated_formats import change_header, change_numbers, change_tensors, change_tokenizer
from mutated_values import Contents, change_bytes, change_configuration, change_manifest, change_summary, change_yaml
from nmt.checkpoint.layout import MANIFEST
from sealing import record, seal

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


OF_CONTENT: list[Callable[[Contents, random.Random], str]] = [
    change_bytes,
    change_bytes,
    change_manifest,
    change_summary,
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
