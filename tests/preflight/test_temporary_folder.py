"""The folder that a check writes to."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest

from nmt.errors import StorageError
from nmt.preflight.check import _temporary_folder


def test_where_no_temporary_folder_can_be_made_tmpdir_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StorageError, match="TMPDIR: no temporary files can be written there"), _temporary_folder():
        pass


def test_a_full_one_is_named_and_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(StorageError, match=f"{tmp_path}/nmt-check-.*No space left"), _temporary_folder():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_other_errors_are_not_taken_for_a_full_folder() -> None:
    with pytest.raises(FileNotFoundError), _temporary_folder():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "a")
