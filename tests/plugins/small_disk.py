"""A file system that is really full: a small one in memory, which only some processes see."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forked import Forker

ROOMY = 64 << 20
MOUNT = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'


class SmallDisk:
    """The program in a place where a folder is a disk of its own, whose size can be changed while it is used.

    Attributes:
        path: of the disk, for the program.
        seen: the same, for everybody else.
        forked: runs commands there.
    """

    def __init__(self, path: Path, forked: Forker) -> None:
        self.path = path
        self.seen = Path(f"/proc/{forked.process}/root{path}")
        self.forked = forked

    def leave(self, free: int) -> None:
        """Makes the disk so small that just so many bytes can still be written, in whole pages of it."""
        found = os.statvfs(self.seen)
        used = (found.f_blocks - found.f_bfree) * found.f_bsize
        size = used + free - free % found.f_bsize
        there = ["nsenter", "--target", str(self.forked.process), "--user", "--mount", "--preserve-credentials"]
        subprocess.run([*there, "mount", "-o", f"remount,size={size}", str(self.path)], check=True, capture_output=True)

    def clear(self) -> None:
        """Empties the disk but for one file, without which it could not be full, and makes it large."""
        self.leave(ROOMY)
        for path in self.seen.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.seen / "file").write_bytes(b"of somebody else")


@pytest.fixture(scope="module")
def disk(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    """A small disk; tests that take it are skipped where none can be mounted."""
    path = tmp_path_factory.mktemp("disk")
    within = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh", str(ROOMY), str(path)]
    try:
        tried = subprocess.run([*within, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    if tried.returncode:
        pytest.skip(f"no small disk can be mounted here: {tried.stderr.strip()}")
    with Forker(tmp_path_factory.mktemp("forked"), model, within=within) as forker:
        yield SmallDisk(path, forker)
