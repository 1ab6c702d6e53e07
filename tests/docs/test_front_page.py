"""The front page is short and shows what the program draws; the promises it leads to are those that are proved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nmt.visualization.heatmap import CELL, SHADES, heatmap
from proofs import PROMISES

ROOT = Path(__file__).parents[2]
FRONT_PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_MODEL = (ROOT / "docs" / "tutorials" / "first-model.md").read_text(encoding="utf-8")
SEEING_ATTENTION = (ROOT / "docs" / "tutorials" / "seeing-attention.md").read_text(encoding="utf-8")
PROMISES_PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")


def front_page_heatmap() -> str:
    [picture] = re.findall(r"^<!-- heatmap -->\n```text\n(.*?)^```\n<!-- /heatmap -->$", FRONT_PAGE, re.M | re.S)
    return str(picture)


def promised() -> Iterator[tuple[int, str]]:
    """The number and the text of each promise in the table."""
    for number, promise in re.findall(r"^\| (\d+) \| (\*\*.*?) (?<!\\)\| ", PROMISES_PAGE, re.MULTILINE):
        yield int(number), promise


def test_the_front_page_is_short() -> None:
    assert len(FRONT_PAGE.splitlines()) <= 200


def test_the_heatmap_is_as_the_program_draws_it() -> None:
    """Its words, and weights in the middle of what each shade stands for, give the same picture."""
    source, target, *drawn = front_page_heatmap().splitlines()
    words = target.split()
    margin = max(map(len, words)) + 1
    cells = [row[margin::CELL].ljust(len(source.split())) for row in drawn[-len(words) :]]
    weights = np.array([[(SHADES.index(cell) + 0.5) / len(SHADES) for cell in row] for row in cells])
    assert drawn == heatmap(source.split(), words, weights)


def test_tutorials_show_the_same_heatmap() -> None:
    for page in (FIRST_MODEL, SEEING_ATTENTION):
        assert f"```text\n{front_page_heatmap()}```" in page


def test_the_front_page_leads_to_every_page() -> None:
    """But to that of the site, which leads to the same."""
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    linked = set(re.findall(r"\]\((docs/[^)#]+\.md)", FRONT_PAGE))
    assert pages - linked == {"docs/index.md"}


def test_the_table_of_promises_has_those_that_are_proved() -> None:
    table = dict(promised())
    assert list(table) == list(PROMISES)
    for number, promise in table.items():
        assert promise.startswith(f"**{PROMISES[number]}.** ")
