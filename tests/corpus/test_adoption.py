"""A store is taken over only where it is of the same text and whole, and neither of the two depends on the other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nmt.corpus.adoption import adopt_store, open_store
from nmt.corpus.encoding import Encoded, EncodedPairs, id_type
from nmt.corpus.report import Report
from nmt.corpus.store import DESCRIPTION, FILES, Store, StoreWriter
from nmt.errors import StoppedError

KIND = id_type(100)
Damage = Callable[[Path], object]


def written(folder: Path, fingerprint: str = "same", files: int = 1) -> Path:
    folder.mkdir()
    side = Encoded(np.arange(3, 9, dtype=KIND), np.array([4, 2]))
    with StoreWriter(folder, KIND, KIND) as writer:
        writer.append(EncodedPairs(side, side))
        writer.finish(fingerprint, Report(2, 2, (), (2,) + (0,) * (files - 1)))
    return folder


def nothing() -> None:
    """Nothing ends the work."""


def adopted(folder: Path, *places: Path, tick: Callable[[], None] = nothing) -> tuple[Store, Path] | None:
    return adopt_store(folder, "same", 1, places, tick)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return written(tmp_path / "other")


@pytest.fixture(params=["linked", "copied"])
def linked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param == "copied":

        def refuse(*_: object, **__: object) -> None:
            raise OSError("links are for one disk")

        monkeypatch.setattr(os, "link", refuse)
    return bool(request.param == "linked")


def test_it_is_the_same_and_outlives_the_other(tmp_path: Path, other: Path, linked: bool) -> None:
    expected = contents(other)
    found = adopted(tmp_path / "mine", tmp_path / "absent", written(tmp_path / "strange", "another"), other)
    assert found is not None and found[1] == other
    assert contents(tmp_path / "mine") == expected
    assert {(tmp_path / "mine" / name).samefile(other / name) for name in FILES} == {linked}
    shutil.rmtree(other)
    assert open_store(tmp_path / "mine", "same", 1, nothing) is not None
    assert found[0].source(0).tolist() == [3, 4, 5, 6]


def changed_ids(folder: Path) -> None:
    data = bytearray((folder / "target.ids").read_bytes())
    data[0] ^= 1
    (folder / "target.ids").write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        changed_ids,
        lambda folder: (folder / "source.ids").unlink(),
        lambda folder: (folder / "source.offsets").write_bytes(b""),
        lambda folder: (folder / DESCRIPTION).write_text("{"),
    ],
)
@pytest.mark.usefixtures("linked")
def test_a_damaged_one_is_passed_over(tmp_path: Path, other: Path, damage: Damage) -> None:
    damage(other)
    mine = written(tmp_path / "mine", "before")
    assert adopted(mine, other) is None
    assert open_store(mine, "before", 1, nothing) is not None and not list(tmp_path.glob(".*"))
    whole = written(tmp_path / "whole")
    found = adopted(mine, other, whole)
    assert found is not None and found[1] == whole


@pytest.mark.usefixtures("linked")
def test_a_link_is_not_followed(tmp_path: Path, other: Path) -> None:
    kept = (other / "source.ids").rename(tmp_path / "kept")
    (other / "source.ids").symlink_to(kept)
    assert adopted(tmp_path / "mine", other) is None
    kept.replace(other / "source.ids")
    assert adopted(tmp_path / "mine", other) is not None


def test_one_that_does_not_tell_its_files_apart_is_passed_over(tmp_path: Path, other: Path) -> None:
    assert adopt_store(tmp_path / "mine", "same", 2, [other], nothing) is None
    assert adopt_store(tmp_path / "mine", "same", 2, [written(tmp_path / "two", files=2)], nothing) is not None


@pytest.mark.usefixtures("linked")
def test_a_signal_ends_it_and_leaves_nothing(tmp_path: Path, other: Path) -> None:
    def stop() -> None:
        raise StoppedError("", "interrupted", 2)

    with pytest.raises(StoppedError):
        adopted(tmp_path / "mine", other, tick=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other"]
