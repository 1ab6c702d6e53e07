"""Promise 19: what is wrong with a configuration is told with its place; nothing in it is guessed, hidden or run."""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import from_yaml, load_config
from nmt.config.reference import all_keys
from nmt.config.yaml12 import MAXIMUM_BYTES, MAXIMUM_LEVELS
from nmt.errors import ConfigError, Problem
from program import Call
from proofs import Proof

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))

FRAGMENTS = [
    b"*a", b"&a ", b"!!python/name:os.system ", b"<<: ", b"\t", b"\0", b"\xff", b"\xe2\x80\xa8", b"{", b"[", b"}", b"]",
    b"'", b'"', b"- ", b"? ", b": ", b"#", b"---\n", b"...\n", b"%YAML 1.1\n", b"|\n", b">-\n", b"\r", b"\n", b"\\",
    b'"\\U99999999"', b"9" * 5000, b"0x" + b"f" * 5000, b"[" * 3000, b"{a: " * 3000, b"- " * 3000, b".nan", b"1e999",
    b"null", b"true", b"seed: 1\n", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"@", b"`", b"!",
    b"model:\n", b"[1, 2]", b"{a: 1, b: 2}", b"aaaa: ", b"-1", b'"',
]  # fmt: skip


def broken(generator: random.Random) -> bytes:
    """A configuration that comes with the program, spoiled in one to four places."""
    source = bytearray(generator.choice(CONFIGS).read_bytes())
    for _ in range(generator.randint(1, 4)):
        start = generator.randrange(len(source) + 1)
        end = start + generator.choice((0, 0, 1, 5, 200))
        match generator.randrange(4):
            case 0:
                source[start:end] = generator.choice(FRAGMENTS)
            case 1:
                source[start:end] = generator.randbytes(generator.randint(0, 3))
            case 2:
                source[start:start] = source[end : end + generator.randint(1, 60)]
            case 3:
                del source[generator.choice((start, end)) :]
    return bytes(source)


def holds_its_promise(source: bytes) -> bool:
    """Loads, or is refused with file and line; anything else raises. Returns whether it was refused."""
    lines = source.count(b"\n") + source.count(b"\r") + 1
    problems: tuple[Problem, ...] = ()
    try:
        config = from_yaml(source, "my.yaml")
    except ConfigError as error:
        problems = error.problems
    else:
        assert from_yaml(config.as_yaml(), "config.yaml") == config
    for problem in problems:
        place = re.fullmatch(r"my\.yaml:(\d+)", problem.where)
        assert place and 1 <= int(place[1]) <= lines, problem
        assert problem.what.isprintable()
    return bool(problems)


@pytest.mark.promise(19, gate=200, full=5000)
def test_promise_19_broken_files_are_refused_with_file_and_line(proof: Proof) -> None:
    refused = 0
    while refused < proof.count:
        source = broken(proof.generator)
        with proof.case(source):
            refused += holds_its_promise(source)


@pytest.mark.promise(19, gate=1, full=1)
@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_promise_19_random_bytes_are_refused_with_file_and_line(source: bytes) -> None:
    assert holds_its_promise(source)


@pytest.mark.promise(19, gate=1, full=1)
@given(st.text(alphabet=" \n-?:,[]{}&*!|>'\"%@#ab1.~\\U\t\r", max_size=60))
@settings(max_examples=200, deadline=None)
def test_promise_19_random_yaml_is_refused_with_file_and_line(source: str) -> None:
    assert holds_its_promise(source.encode())
    holds_its_promise(CONFIGS[0].read_bytes() + source.encode())


VALUES: list[object] = [
    None,
    True,
    -1,
    2.5,
    "x",
    "",
    [],
    {},
    [1, 2],
    ["a", None],
    {"a": 1},
    {"source": "a"},
    "all",
    "dot",
    "cosine",
    [[1]],
    [{}],
]


@pytest.mark.promise(19, gate=1, full=1)
@given(
    st.dictionaries(
        st.sampled_from([key.dotted for key in all_keys()]), st.sampled_from(VALUES), min_size=1, max_size=5
    )
)
@settings(max_examples=150, deadline=None)
def test_promise_19_any_value_at_any_key_is_taken_or_refused(values: dict[str, object]) -> None:
    overrides = [f"{key}={json.dumps(value)}" for key, value in values.items()]
    with contextlib.suppress(ConfigError):
        config = load_config(str(CONFIGS[0]), overrides)
        assert from_yaml(config.as_yaml(), "config.yaml") == config


# One thing wrong, at a known place, through the command


class Entry(NamedTuple):
    """A key of a configuration and its value, on a line of their own."""

    line: int  # from 0
    path: tuple[str, ...]
    value: str

    @property
    def start(self) -> str:
        return "  " * (len(self.path) - 1) + self.path[-1]


def entries(text: str) -> list[Entry]:
    """Every key with a value, of a configuration as the program writes it: two spaces a level."""
    above: list[str] = []
    found = []
    for number, line in enumerate(text.splitlines()):
        name, _, value = line.strip().partition(": ")
        above = [*above[: (len(line) - len(line.lstrip())) // 2], name.removesuffix(":")]
        if value:
            found.append(Entry(number, tuple(above), value))
    return found


Wrong = Callable[[Entry], tuple[str, str]]


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


WRONG_VALUES: dict[str, tuple[Callable[[str], str], str]] = {
    "alias": (lambda _: "*there", r"aliases \(\*there\) are not allowed"),
    "anchor": (lambda value: f"&here {value}", r"anchors \(&here\) are not allowed"),
    "alias in a list": (lambda value: f"[&here {value}, *here]", r"aliases \(\*here\) are not allowed"),
    "object": (lambda _: "!!python/object/apply:os.getcwd []", r"tags \(.*python.*\) are not allowed"),
    "tag": (lambda value: f"!!str {value}", r"tags \(.*str\) are not allowed"),
    "merge": (lambda _: "{<<: {}}", ""),
    "duplicate inside": (lambda _: "{twice: 1, once: 2, twice: 3}", r"twice: duplicate key \(line \d+ has it\)"),
    "mapping": (lambda _: "{some: thing}", ""),
    "no value": (lambda _: "@x", "not YAML"),
    "control character": (lambda _: '"\a"', r"character U\+0007 is not allowed"),
    "surrogate": (lambda _: '"\\ud800"', "surrogate pair is not a character"),
    "a number of absurd length": (lambda _: "1" * 200, "a number of 200 characters is too long"),
}
"""What stands in place of a value, and what is said of it."""


def wrong_line(kind: str, entry: Entry, generator: random.Random) -> tuple[str, int, str]:
    """What stands in place of an entry's line, at which of its lines the mistake is, and what is said of it."""
    match kind:
        case "duplicate":
            return f"{entry.start}: {entry.value}\n" * 2, 1, rf"duplicate key \(line {entry.line + 1} has it\)"
        case "misspelt":
            return f"{entry.start}x: {entry.value}\n", 0, "unknown key"
        case "levels":
            depth = MAXIMUM_LEVELS + 1 - len(entry.path) + generator.choice((0, 0, 1, 1000))
            return f"{entry.start}: {nested(depth)}\n", 0, f"more than {MAXIMUM_LEVELS} levels deep"
        case "almost levels":
            return f"{entry.start}: {nested(MAXIMUM_LEVELS - len(entry.path))}\n", 0, "expected "
        case _:
            change, said = WRONG_VALUES[kind]
            return f"{entry.start}: {change(entry.value)}\n", 0, said


KINDS = ("duplicate", "misspelt", "levels", "almost levels", *WRONG_VALUES)


@pytest.mark.promise(19, gate=len(KINDS), full=30 * len(KINDS))
def test_promise_19_a_mistake_is_told_with_its_line_and_nothing_is_done(
    proof: Proof, call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "my.yaml"
    texts = [load_config(str(config)).as_yaml() for config in CONFIGS]
    for number in range(proof.count):
        text = proof.generator.choice(texts)
        kind, entry = KINDS[number % len(KINDS)], proof.generator.choice(entries(text))
        lines = text.splitlines(keepends=True)
        lines[entry.line], offset, said = wrong_line(kind, entry, proof.generator)
        path.write_text("".join(lines), encoding="utf-8")
        run = tmp_path / f"run{number}"
        with proof.case(f"{kind} at {'.'.join(entry.path)}"):
            done = call("train", path, "--output", run)
            assert (done.code, done.out, run.exists()) == (2, b"", False), done.err
            place = f"nmt: error: {path}:{entry.line + 1 + offset}: "
            assert any(error.startswith(place) and re.search(said, error) for error in done.errors), done.err
            assert all(re.match(rf"nmt: error: {re.escape(str(path))}:\d+: ", error) for error in done.errors)
            assert "Traceback" not in done.err


@pytest.mark.promise(19, gate=len(KINDS), full=30 * len(KINDS))
def test_promise_19_a_mistake_in_an_override_is_told_with_its_key(proof: Proof, call: Call, tmp_path: Path) -> None:
    keys = {config: entries(load_config(str(config)).as_yaml()) for config in CONFIGS}
    for number in range(proof.count):
        config = proof.generator.choice(CONFIGS)
        entry = proof.generator.choice(keys[config])
        kind, key = KINDS[number % len(KINDS)], ".".join(entry.path)
        match kind:
            case "duplicate":
                name, above = entry.path[-1], ".".join(entry.path[:-1]) or "model"
                value, said = f"{{{name}: 1, {name}: 1}}", r"duplicate key \(line 1 has it\)"
                override = f"{above}={value}"
            case "misspelt":
                override, said = f"{key}x={entry.value}", "unknown key"
            case "levels":
                override, said = f"{key}={nested(MAXIMUM_LEVELS + 1)}", f"more than {MAXIMUM_LEVELS} levels deep"
            case "almost levels":
                override, said = f"{key}={nested(MAXIMUM_LEVELS)}", "expected "
            case _:
                change, said = WRONG_VALUES[kind]
                override = f"{key}={change(entry.value)}"
        run = tmp_path / f"run{number}"
        with proof.case(f"--set {override:.200}"):
            done = call("train", config, "--output", run, "--set", override)
            assert (done.code, done.out, run.exists()) == (2, b"", False), done.err
            assert all(error.startswith("nmt: error: --set: ") for error in done.errors), done.err
            assert any(re.search(said, error) for error in done.errors), done.err


@pytest.mark.promise(19, gate=2, full=20)
def test_promise_19_over_a_megabyte_is_refused(proof: Proof, call: Call, tmp_path: Path) -> None:
    path, run = tmp_path / "my.yaml", tmp_path / "run"
    for _ in range(proof.count // 2):
        source = proof.generator.choice(CONFIGS).read_text(encoding="utf-8")
        room = MAXIMUM_BYTES - len(source.encode())
        over = proof.generator.choice((1, 2, 1000, 10 * MAXIMUM_BYTES))
        comment = proof.generator.choice(("#", "#\n"))
        with proof.case(f"{room} bytes of {comment!r}"):
            path.write_bytes((source.encode() + comment.encode() * room)[:MAXIMUM_BYTES])
            assert load_config(str(path)) == load_config(str(path), [])
            path.write_bytes((source.encode() + comment.encode() * (room + over))[: MAXIMUM_BYTES + over])
            done = call("train", path, "--output", run)
            assert done.errors == [f"nmt: error: {path}:1: larger than {MAXIMUM_BYTES:,} bytes"]
            assert (done.code, run.exists()) == (2, False)
        with proof.case(f"--set of {MAXIMUM_BYTES + over} bytes"):
            done = call("train", CONFIGS[0], "--output", run, "--set", f"seed={'1' * (MAXIMUM_BYTES + over)}")
            assert done.errors == [f"nmt: error: --set: seed: larger than {MAXIMUM_BYTES:,} bytes"]
            assert (done.code, run.exists()) == (2, False)
