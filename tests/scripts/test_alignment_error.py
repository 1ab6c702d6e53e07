"""Claims about `scripts/alignment_error.py`."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "alignment_error.py"), run_name="alignment_error")
read, score = SCRIPT["read"], SCRIPT["score"]


def test_the_error_is_that_of_och_and_ney(tmp_path: Path) -> None:
    (tmp_path / "gold").write_text("0-0 1?2 2-1\n\n")
    gold = read(tmp_path / "gold")
    assert gold == [({(0, 0), (2, 1)}, {(0, 0), (1, 2), (2, 1)}), (set(), set())]
    found = score(gold, [{(0, 0), (1, 2), (3, 3)}, set()])
    # Of three links one is sure and two are possible; there are two sure ones.
    assert found == (pytest.approx(1 - (1 + 2) / (3 + 2)), pytest.approx(2 / 3), 0.5, 3)
    assert score(gold, [{(0, 0), (2, 1)}, set()]).error == 0


def test_what_is_no_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "gold").write_text("0-0\n0:1\n")
    with pytest.raises(SystemExit, match=r"gold:2: '0:1' is no link"):
        read(tmp_path / "gold")
    with pytest.raises(SystemExit, match=r"absent: .*No such file"):
        read(tmp_path / "absent")


def test_a_last_line_without_a_line_feed_counts(tmp_path: Path) -> None:
    (tmp_path / "gold").write_text("0-0\n\n1-1")
    assert [len(sure) for sure, _ in read(tmp_path / "gold")] == [1, 0, 1]
