"""What Linux alone has is used where it is there, and missed nowhere."""

from __future__ import annotations

import ctypes
import os
import select
import sys
from pathlib import Path
from typing import Any

import pytest

from nmt.errors import StorageError
from nmt.io import atomic_files
from nmt.model.kernels.onednn import onednn_is_quicker
from nmt.preflight.memory import available_memory, peak_memory


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that is not Linux: no /proc, no /sys, nothing of the GNU C library."""
    read_text = Path.read_text

    def read(path: Path, *arguments: Any, **options: Any) -> str:
        if path.parts[:2] in (("/", "proc"), ("/", "sys")):
            raise FileNotFoundError(2, os.strerror(2), str(path))
        return read_text(path, *arguments, **options)

    def no_library(*_: object, **__: object) -> object:
        return object()  # has no function of the GNU C library

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(select, "poll")


@pytest.mark.usefixtures("elsewhere")
def test_training_and_translating_need_nothing_of_linux(call: Any, configuration: Path, tmp_path: Path) -> None:
    onednn_is_quicker.cache_clear()
    limits = ["--set", "training.max_steps=2", "--set", "training.validate_every=1"]
    done = call("train", configuration, "--output", tmp_path / "run", *limits)
    assert done.code == 0, done.err
    done = call("translate", tmp_path / "run", stdin=b"ba ce\n")
    assert (done.code, len(done.lines)) == (0, 1), done.err
    assert call("attend", tmp_path / "run", "ba ce").code == 0


@pytest.mark.usefixtures("elsewhere")
def test_memory_is_told_as_far_as_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_memory() is None
    assert (peak_memory() or 0) > 0
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() is None


def test_an_empty_folder_is_replaced_where_none_can_be_renamed_onto_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def rename_to_absent(path: Path, target: Path) -> Path:
        if target.exists():
            raise FileExistsError(17, os.strerror(17), str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_to_absent)
    monkeypatch.delattr(os, "O_DIRECTORY")
    folder = tmp_path / "folder"
    folder.mkdir()
    with atomic_files.new_directory(folder) as partial:
        (partial / "file").write_text("new", encoding="utf-8")
    for content in (b"1", b"2"):
        atomic_files.write_file(folder / "file", content)
    assert (folder / "file").read_bytes() == b"2"
    with pytest.raises(StorageError, match="not empty"), atomic_files.new_directory(folder) as partial:
        (partial / "other").touch()
    assert [path.name for path in folder.iterdir()] == ["file"]


@pytest.mark.usefixtures("elsewhere")
def test_a_folder_is_replaced_without_an_exchange_of_names(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with atomic_files.new_directory(tmp_path / "folder", replace=True) as partial:
            (partial / "file").write_text(content, encoding="utf-8")
    assert (tmp_path / "folder" / "file").read_text(encoding="utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
