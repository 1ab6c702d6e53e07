"""Which other runs are asked for what they have prepared, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nmt.errors import InputFileError
from nmt.training.prepared_elsewhere import prepared_elsewhere


def folder(path: Path, changed: int) -> Path:
    path.mkdir(parents=True)
    os.utime(path, (changed, changed))
    return path


def test_the_named_run_is_asked_first_and_then_those_beside_it_the_newest_first(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    old, new, mine = (folder(runs / name, time) for time, name in enumerate(("old", "new", "mine"), start=1))
    named = folder(tmp_path / "elsewhere", 0)
    (runs / "file").write_text("")
    (runs / "link").symlink_to(named)
    assert list(prepared_elsewhere(mine, str(named))) == [named, new, old]
    assert list(prepared_elsewhere(mine, None)) == [new, old]


def test_a_run_in_the_present_folder_has_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "other", 1)
    monkeypatch.chdir(tmp_path)
    assert list(prepared_elsewhere(Path("mine"), None)) == [tmp_path / "other"]


def test_runs_of_another_user_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no such users")
    folder(tmp_path / "other", 1)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert not list(prepared_elsewhere(tmp_path / "mine", None))
    assert list(prepared_elsewhere(tmp_path / "mine", str(tmp_path / "other"))) == [tmp_path / "other"]


def test_a_named_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"data\.prepared: .*absent is no folder"):
        list(prepared_elsewhere(tmp_path / "mine", str(tmp_path / "absent")))
    assert not list(prepared_elsewhere(tmp_path / "absent" / "mine", None))
