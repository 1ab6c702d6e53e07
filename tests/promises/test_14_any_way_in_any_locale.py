"""Promise 14: a file, a compressed one and standard input give the same bytes, under any locale, buffered or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard

from hostile_text import hostile_text, lines_of
from nmt.io.streams import read_lines
from program import Call
from proofs import Proof

FILES: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "file": (bytes, bytes),
    "gz": (gzip.compress, gzip.decompress),
    "zst": (zstandard.ZstdCompressor().compress, lambda data: zstandard.ZstdDecompressor().stream_reader(data).read()),
    "xz": (lzma.compress, lzma.decompress),
    "bz2": (bz2.compress, bz2.decompress),
}
"""By the endings of their names, how files are packed and unpacked."""

WAYS = (*FILES, "pipe")
SHAPES = (("text",), ("json", "--alignment", "soft"), ("moses", "--n-best", "2"))


class Shell(NamedTuple):
    """What a user's shell sets, and flags of Python."""

    variables: dict[str, str]
    flags: tuple[str, ...] = ()


UNCHANGED = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""Keeps Python from taking UTF-8 in place of the locale's encoding."""

SHELLS = {
    "utf-8, unbuffered": Shell({"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}, ("-u",)),
    "ascii by name": Shell({"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii:strict"}),
    "ascii by locale": Shell({"LC_ALL": "C", **UNCHANGED}),
}


@pytest.fixture(scope="module")
def shells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shell]:
    """The settings, with a Latin-1 locale made here, or where that fails with streams told that they are Latin-1."""
    folder = tmp_path_factory.mktemp("locales")
    name = "de_DE.ISO-8859-1"
    if shutil.which("localedef"):
        command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(folder / name)]
        subprocess.run(command, capture_output=True, check=False)
    made = {"LOCPATH": str(folder), "LC_ALL": name}
    without = {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1"}
    return SHELLS | {"latin-1": Shell((made if (folder / name).exists() else without) | UNCHANGED)}


def write_ways(folder: Path, data: bytes) -> dict[str, Path]:
    """The same bytes as each kind of file."""
    paths = {way: folder / f"text.{way}" for way in FILES}
    for way, path in paths.items():
        path.write_bytes(FILES[way][0](data))
    return paths


@pytest.mark.promise(14, gate=6, full=48)
def test_promise_14_the_same_bytes_give_the_same_translation(
    proof: Proof,
    call: Call,
    process: Call,
    model: Path,
    shells: dict[str, Shell],
    user_environment: Callable[..., dict[str, str]],
    tmp_path: Path,
) -> None:
    # In the gate each way once, and each setting, else all pairs of them.
    cases = list(product(WAYS, shells)) if proof.full else list(zip(WAYS, cycle(shells), strict=False))
    for number in range(proof.count // len(cases)):
        data = hostile_text(proof.generator, 60, valid=number % 2 == 0)
        paths = write_ways(tmp_path, data)
        options = ("translate", model, "--format", *SHAPES[number % len(SHAPES)])
        wanted = call(*options, stdin=data)
        assert wanted.code == 0 and wanted.out
        for way, name in cases:
            source, stdin = ((), data) if way == "pipe" else (("--input", paths[way]), b"")
            shell = shells[name]
            with proof.case(f"{way}, {name}, {data!r}"):
                done = process(
                    *options, *source, stdin=stdin, env=user_environment(**shell.variables), flags=shell.flags
                )
                assert done.code == 0, done.err
                assert done.out == wanted.out
                assert done.err.replace(str(paths.get(way)), "standard input") == wanted.err


SENTENCES = ["Où est le café ?", "日本 🙂 ba", "ce\u2028di \u0085"]


@pytest.mark.promise(14, gate=1, full=24)
def test_promise_14_every_command_writes_the_same_in_any_locale(
    proof: Proof,
    call: Call,
    process: Call,
    model: Path,
    shells: dict[str, Shell],
    user_environment: Callable[..., dict[str, str]],
    tmp_path: Path,
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("".join(f"{line} {name}\n" for line in SENTENCES), encoding="utf-8", newline="")
    pair = ("--src", tmp_path / "one", "--tgt", tmp_path / "two")
    compared = ("--src", tmp_path / "one", "--ref", tmp_path / "one", "--hyp", tmp_path / "one", tmp_path / "two")
    commands = [
        ("attend", model, *SENTENCES),
        ("score", model, *pair, "--per-token"),
        ("align", model, *pair, "--alignment-unit", "token", "--format", "json"),
        ("info", model),
        ("eval", "--hyp", tmp_path / "two", "--ref", tmp_path / "one"),
        ("compare", *compared, "--samples", "20"),
    ]
    cases = list(product(commands, shells)) if proof.full else [(commands[0], name) for name in list(shells)[3:]]
    for arguments, name in cases:
        wanted = call(*arguments)
        assert wanted.code == 0, wanted.err
        shell = shells[name]
        with proof.case(f"{arguments[0]}, {name}"):
            done = process(*arguments, env=user_environment(**shell.variables), flags=shell.flags)
            assert (done.code, done.out) == (0, wanted.out), done.err


@pytest.mark.promise(14, gate=40, full=2000)
def test_promise_14_files_of_all_kinds_have_the_same_lines(proof: Proof, tmp_path: Path) -> None:
    for number in range(proof.count // len(FILES)):
        data = hostile_text(proof.generator, proof.generator.randint(1, 200), valid=number % 2 == 0)
        for way, path in write_ways(tmp_path, data).items():
            with proof.case(f"{way}, {data!r}"):
                assert [line.text for line in read_lines(str(path), lambda _: None)] == lines_of(data)


@pytest.mark.promise(14, gate=5, full=30)
def test_promise_14_what_is_written_compressed_is_what_is_written_plain(
    proof: Proof, call: Call, model: Path, tmp_path: Path
) -> None:
    for number in range(proof.count):
        data = hostile_text(proof.generator, 60, valid=number % 2 == 0)
        way = list(FILES)[number % len(FILES)]
        path = tmp_path / f"out.{way}"
        with proof.case(f"{way}, {data!r}"):
            assert call("translate", model, "--output", path, stdin=data).out == b""
            assert FILES[way][1](path.read_bytes()) == call("translate", model, stdin=data).out
