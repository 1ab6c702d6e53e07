"""Promises and proofs belong to each other, and the documentation has both."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from proofs import PROMISES, SHOWN, Shown

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "promises.md"


class Named(NamedTuple):
    """A test whose name or mark speaks of a promise."""

    path: Path
    name: str
    promise: int | None  # of its name
    marked: int | None


def marked_promise(function: ast.FunctionDef) -> int | None:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.promise":
            number = ast.literal_eval(decorator.args[0])
            assert isinstance(number, int)
            return number
    return None


def named_tests() -> Iterator[Named]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found = re.match(r"test_promise_(\d\d)_", node.name)
                test = Named(path, node.name, int(found[1]) if found else None, marked_promise(node))
                if test.promise is not None or test.marked is not None:
                    yield test


def test_a_proof_bears_the_number_of_its_promise() -> None:
    wrong = [test for test in named_tests() if test.marked is not None and test.marked != test.promise]
    assert wrong == []


def test_each_promise_has_tests_named_after_it() -> None:
    proved = {test.promise for test in named_tests() if test.promise == test.marked}
    assert set(PROMISES) - proved == set()


def row(number: int, promise: str, shown: Shown) -> str:
    files = ", ".join(f"[{path.name}](../{path.relative_to(ROOT)})" for path in sorted(shown.files))
    return f"| {number} | {promise} | {files} | {shown.gate:,} | {shown.full:,} |"


def test_the_table_of_promises_says_what_shows_them(pytestconfig: pytest.Config) -> None:
    """On failure, the table as it should be stands at the end of the message."""
    shown = pytestconfig.stash[SHOWN]
    proofs = {test.path for test in named_tests() if test.marked is not None}
    if proofs != {path for of_promise in shown.values() for path in of_promise.files}:
        pytest.skip("needs all tests to be collected: pytest -k table_of_promises")
    table = re.findall(r"^\| \d+ \| \*\*.*\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    promises = [re.split(r"(?<!\\) \| ", line.strip("| "))[1] for line in table]
    expected = [row(number, text, shown.get(number, Shown())) for number, text in zip(PROMISES, promises, strict=True)]
    assert table == expected, "\n".join(["the table should be", *expected])
