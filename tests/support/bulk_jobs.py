"""Jobs of `nmt bulk` that are disturbed while they run: their processes, and what they have written."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

ACTOR = b"ray::MapWorker"
WAIT = 240  # seconds, on a machine that may be busy


def processes_below(process: int) -> dict[int, bytes]:
    """The processes that descend from one, with the beginnings of their command lines."""
    parents: dict[int, int] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    found, more = {process}, True
    while more:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
    names = {}
    for child in found - {process}:
        with suppress(OSError):
            names[child] = Path(f"/proc/{child}/cmdline").read_bytes()
    return names


def named_in(folder: Path, name: bytes) -> list[int]:
    """The processes that run in a folder or below, whoever started them, and have that in their command line."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                is_there = (process / "cwd").readlink().is_relative_to(folder)
                if is_there and name in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
    return found


def actors_below(process: int) -> list[int]:
    """The actors that a local cluster of a job has."""
    return [child for child, line in processes_below(process).items() if ACTOR in line]


def shards_in(folder: Path) -> list[str]:
    """The files of finished shards, by their paths from the folder."""
    paths = (path.relative_to(folder) for path in folder.rglob("*-*-*.*") if path.is_file())
    return sorted(str(path) for path in paths if not any(part.startswith(("_", ".nmt")) for part in path.parts))


def wait_until(is_so: Callable[[], object], exit_code: Callable[[], int | None] = lambda: None) -> None:
    """Waits for something that a process brings about, which must not end before."""
    end = time.monotonic() + WAIT
    while not is_so():
        assert exit_code() is None, "it ended too early"
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


def kill(process: int) -> None:
    """Kills a process as `kill -9` does; it may have ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def joined(folder: Path) -> bytes:
    """All shards, one after the other in the order of their names."""
    return b"".join((folder / name).read_bytes() for name in shards_in(folder))


def litter(folder: Path) -> Iterator[str]:
    """Names of what a job has left behind beside its output."""
    yield from (path.name for pattern in (".nmt-*", "_attempts") for path in folder.rglob(pattern))
