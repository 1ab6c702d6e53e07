"""Other runs, which may have prepared the same text in the same way already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nmt.errors import InputFileError


def prepared_elsewhere(run: Path, named: str | None) -> Iterator[Path]:
    """Yields the run directory that is named, if one is, then those beside this run, the newest first.

    Of those beside it, only real folders of the user who trains: what is taken from there is not checked against the
    text, but against what the folder itself says that it was made from.

    Raises InputFileError if the named one is no folder.
    """
    check_prepared(named)
    if named is not None:
        yield Path(named)
    yield from _beside(run.absolute())


def check_prepared(named: str | None) -> None:
    """Raises InputFileError if what `data.prepared` names is no folder."""
    if named is not None and not Path(named).is_dir():
        raise InputFileError("data.prepared", f"{named} is no folder; expected a run directory")


def _beside(run: Path) -> list[Path]:
    found = []
    try:
        with os.scandir(run.parent) as entries:
            for entry in entries:
                if entry.name != run.name and entry.is_dir(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    if not hasattr(os, "geteuid") or status.st_uid == os.geteuid():
                        found.append((status.st_mtime_ns, run.parent / entry.name))
    except OSError:  # not readable, or changed meanwhile: nothing is lost but time
        return []
    return [path for _, path in sorted(found, reverse=True)]
