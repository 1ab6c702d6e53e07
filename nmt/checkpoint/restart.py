"""Beginning a run anew: the files of the training before are stashed, and restored unless the new one saves.

Nothing here needs torch.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from nmt.checkpoint.layout import BEST, LAST, STASH
from nmt.checkpoint.run_directory import is_real_directory
from nmt.io.atomic_files import make_directory, move, remove, remove_stale_temporaries


def stash(run: Path, names: Sequence[str]) -> None:
    """Stashes the pointers and some other files and folders of the run, out of the way of a new training.

    `prune` removes them once a new checkpoint is the last; `restore` undoes it before that. Raises StorageError if
    something cannot be moved; `restore` is safe then, as it is after a crash at any moment.
    """
    make_directory(run / STASH)
    # The pointer to the last goes first and comes back last: while it is missing, nothing has replaced what is stashed.
    for name in (LAST, BEST, *names):
        if os.path.lexists(run / name):
            move(run / name, run / STASH / name)


def restore(run: Path) -> bool:
    """Undoes `stash`, unless a new checkpoint has become the last since. Returns True if there was anything to undo.

    Raises StorageError if something cannot be moved or removed; what is stashed stays there.
    """
    stashed = run / STASH
    if not os.path.lexists(stashed):
        return False
    names = [] if os.path.lexists(run / LAST) else [path.name for path in stashed.iterdir()]
    for name in sorted(names, key=lambda name: name == LAST):
        if os.path.lexists(run / name):
            remove(run / name)
        move(stashed / name, run / name)
    remove(stashed)
    return bool(names)


def clean(run: Path) -> None:
    """Removes what crashes left in the run directory and the folders in it; for the holder of the `RunLock` only.

    What a killed `--restart` had stashed is restored, unless a new checkpoint was saved. Raises StorageError if
    something cannot be removed.
    """
    remove_stale_temporaries(run)
    restore(run)
    for folder in sorted(run.iterdir()) if run.is_dir() else []:
        if is_real_directory(folder):
            remove_stale_temporaries(folder)
