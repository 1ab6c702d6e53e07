"""Claims about `nmt.preflight.memory`."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmt.preflight import memory


def test_files_that_are_kept_in_memory_may_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (
        ("meminfo", "MemTotal: 9 kB\nMemAvailable: 8000 kB\n"),
        ("max", "4096000\n"),
        ("current", "3072000\n"),
        ("stat", "anon 1024000\nfile 2048000\ninactive_file 1536000\nactive_file 512000\n"),
    ):
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(memory, "_MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CONTAINER", (tmp_path / "max", tmp_path / "current"))
    monkeypatch.setattr(memory, "_USES", tmp_path / "stat")
    assert memory.available_memory() == 4096000 - 3072000 + 1536000
    (tmp_path / "max").write_text("max\n")
    assert memory.available_memory() == 8000 << 10
    (tmp_path / "meminfo").unlink()
    assert memory.available_memory() is None
