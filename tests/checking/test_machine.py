"""What the machine has to give."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmt.checking import machine


def test_files_that_are_kept_in_memory_may_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (
        ("meminfo", "MemTotal: 9 kB\nMemAvailable: 8000 kB\n"),
        ("max", "4096000\n"),
        ("current", "3072000\n"),
        ("stat", "anon 1024000\nfile 2048000\ninactive_file 1536000\nactive_file 512000\n"),
    ):
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(machine, "_MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_CONTAINER", (tmp_path / "max", tmp_path / "current"))
    monkeypatch.setattr(machine, "_USES", tmp_path / "stat")
    assert machine.available_memory() == 4096000 - 3072000 + 1536000
    (tmp_path / "max").write_text("max\n")
    assert machine.available_memory() == 8000 << 10
    (tmp_path / "meminfo").unlink()
    assert machine.available_memory() is None
