"""The layout of a run directory: its checkpoints, which of them is the best and the last, and which may go.

Nothing here needs torch, so that a command can find its model, or learn that there is none, before loading it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from nmt.checkpoint.manifest import MANIFEST, WEIGHTS, Purpose, open_plain, verify
from nmt.errors import ModelError, Problem
from nmt.io.atomic_files import make_directory, move, remove, remove_stale_temporaries, write_file

CHECKPOINTS = "checkpoints"
NOT_ITS_OWN = "a link or no directory; a run directory holds its checkpoints itself"
_CHECKPOINT_NAME = re.compile(r"step-([0-9]{8,12})")
_LONGEST_POINTER = 64
_ASIDE = ".nmt-before-restart"
_ATTEMPTS = 3

Pointer = Literal["best", "last"]
Warn = Callable[[str], None]
Result = TypeVar("Result")


def checkpoint_name(step: int) -> str:
    """The name of the checkpoint directory of a step."""
    return f"step-{step:08d}"


def step_of(name: str) -> int | None:
    """The step of a checkpoint directory's name; None when it is the name of something else."""
    match = _CHECKPOINT_NAME.fullmatch(name)
    step = int(match[1]) if match else None
    return step if step is not None and checkpoint_name(step) == name else None


def checkpoints(run: Path) -> list[Path]:
    """The checkpoint directories of a run, the oldest first, whether valid or not.

    Raises:
        ModelError: the folder of the checkpoints cannot be read.
    """
    folder = run / CHECKPOINTS
    if not is_real_directory(folder):
        return []
    try:
        found = [(step, path) for path in folder.iterdir() if (step := step_of(path.name)) is not None]
    except OSError as error:
        raise ModelError(str(folder), f"cannot be read: {error.strerror}") from error
    return [path for _, path in sorted(found) if is_real_directory(path)]


def mark(run: Path, pointer: Pointer, name: str) -> None:
    """Makes a finished checkpoint the run's best or last one. It is safe to be killed before, after and within.

    Raises:
        StorageError: the pointer cannot be written; it names what it named before.
    """
    assert step_of(name) is not None, name
    write_file(run / pointer, f"{name}\n".encode())


def marked(run: Path, pointer: Pointer) -> Path | None:
    """The checkpoint directory that a pointer names, be it there or not; None when there is no pointer yet.

    Raises:
        ModelError: the pointer is no plain file or does not hold the name of a checkpoint.
    """
    path = run / pointer
    if not os.path.lexists(path):
        return None
    with open_plain(path, None) as (file, size):
        text = file.read(_LONGEST_POINTER)
    name = text.decode("ascii", "replace").removesuffix("\n")
    if size > _LONGEST_POINTER or step_of(name) is None:
        raise ModelError(str(path), f"damaged: expected the name of a checkpoint, found {name!r:.70}")
    return run / CHECKPOINTS / name


def prune(run: Path, keep: int) -> None:
    """Removes the run's checkpoints but the best, the last, and the newest `keep` of the others.

    What `set_aside` kept goes as well, now that there is a checkpoint in its place. No checkpoint is removed while a
    pointer is damaged: any of them may be the one it named.

    Raises:
        StorageError: a checkpoint cannot be removed.
        ModelError: the folder of the checkpoints cannot be read.
    """
    if os.path.lexists(run / _ASIDE) and os.path.lexists(run / "last"):
        remove(run / _ASIDE)
    try:
        protected = {marked(run, "best"), marked(run, "last")}
    except ModelError:
        return
    others = [path for path in checkpoints(run) if path not in protected]
    for path in others[: max(0, len(others) - keep)]:
        remove(path)


def set_aside(run: Path, names: Sequence[str]) -> None:
    """Keeps the best, the last and some other files and folders of the run where they are in nobody's way.

    `prune` removes them once a new checkpoint has been marked as last; `put_back` undoes it before that.

    Raises:
        StorageError: something cannot be moved; `put_back` is safe then, as it is after a crash at any moment.
    """
    make_directory(run / _ASIDE)
    # The last goes first and comes back last: while it is missing, nothing has taken the place of what is aside.
    for name in ("last", "best", *names):
        if os.path.lexists(run / name):
            move(run / name, run / _ASIDE / name)


def put_back(run: Path) -> bool:
    """Undoes `set_aside`, unless a new checkpoint was marked as last since; whether there was anything to undo.

    Raises:
        StorageError: something cannot be moved or removed; what is aside stays there.
    """
    aside = run / _ASIDE
    if not os.path.lexists(aside):
        return False
    names = [] if os.path.lexists(run / "last") else [path.name for path in aside.iterdir()]
    for name in sorted(names, key=lambda name: name == "last"):
        if os.path.lexists(run / name):
            remove(run / name)
        move(aside / name, run / name)
    remove(aside)
    return bool(names)


def checkpoints_to_replace(run: Path) -> int:
    """How many checkpoints are there already, or set aside, whose room new ones will take.

    Raises:
        ModelError: the folder of the checkpoints cannot be read.
    """
    return len(checkpoints(run)) + len(checkpoints(run / _ASIDE))


def clean(run: Path) -> None:
    """Removes what crashes left in the run directory and the folders in it; for the holder of the `RunLock` only.

    What a killed `--restart` had set aside is put back, unless a new checkpoint was saved.

    Raises:
        StorageError: something cannot be removed.
    """
    remove_stale_temporaries(run)
    put_back(run)
    for folder in sorted(run.iterdir()) if run.is_dir() else []:
        if is_real_directory(folder):
            remove_stale_temporaries(folder)


def latest_valid_checkpoint(run: Path, warn: Warn) -> Path | None:
    """The checkpoint to go on training from: the last, or the newest whole one when the last is damaged.

    Args:
        run: the run directory.
        warn: is told of everything damaged that was met, with the file's name.

    Returns:
        None when nothing has been saved yet.

    Raises:
        ModelError: there are checkpoints, and all of them are damaged.
    """
    return _first_valid(run, ("last",), "training", warn)


def best_valid_checkpoint(run: Path, warn: Warn) -> Path | None:
    """The checkpoint to translate with: the best, or when it is damaged the last, or the newest whole one.

    Arguments, result and errors are those of `latest_valid_checkpoint`.
    """
    return _first_valid(run, ("best", "last"), "translation", warn)


def _first_valid(run: Path, pointers: Sequence[Pointer], purpose: Purpose, warn: Warn) -> Path | None:
    named, problems = _marked(run, pointers)
    found: Path | None = None
    for path in dict.fromkeys([*named, *reversed(checkpoints(run))]):
        damage = _damage(path, purpose)
        if not damage:
            found = path
            break
        problems += damage
    if problems and _marked(run, pointers)[0] != named:
        # A training has saved meanwhile, and removed what was being looked at.
        return _first_valid(run, pointers, purpose, warn)
    if found is None and problems:
        raise ModelError.from_problems(problems)
    for problem in problems:
        warn(f"{problem}; using {found} instead")
    return found


def _marked(run: Path, pointers: Sequence[Pointer]) -> tuple[list[Path], list[Problem]]:
    """The checkpoints that pointers name, and what is wrong with the pointers."""
    named: list[Path] = []
    problems: list[Problem] = []
    for pointer in pointers:
        try:
            named += filter(None, [marked(run, pointer)])
        except ModelError as error:
            problems += error.problems
    return named, problems


def _damage(checkpoint: Path, purpose: Purpose) -> list[Problem]:
    if not os.path.lexists(checkpoint):
        return [Problem(str(checkpoint), "missing, though the run directory names it")]
    if not (is_real_directory(checkpoint.parent) and is_real_directory(checkpoint)):
        return [Problem(str(checkpoint), NOT_ITS_OWN)]
    return verify(checkpoint, purpose=purpose)


def is_run(path: Path) -> bool:
    """Whether MODEL is a run directory, rather than a checkpoint or an exported model.

    Raises:
        ModelError: it is neither.
    """
    expected = "expected a run directory, a checkpoint or an exported model"
    try:
        is_directory = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        raise ModelError(str(path), f"cannot be read: {error.strerror}; {expected}") from None
    if not is_directory:
        raise ModelError(str(path), f"not a directory; {expected}")
    if any(os.path.lexists(path / name) for name in (MANIFEST, WEIGHTS)):
        return False
    if not any(os.path.lexists(path / name) for name in ("best", "last", CHECKPOINTS)):
        raise ModelError(str(path), f"holds neither {MANIFEST} nor {CHECKPOINTS}; {expected}")
    return True


def resolve_model(path: Path, warn: Warn) -> Path:
    """The directory with the manifest and the weights that the user means by MODEL.

    Args:
        path: a run directory (its best checkpoint is meant), a checkpoint directory, or an exported model directory.
        warn: is told when a run's best checkpoint is damaged and another is used.

    Raises:
        ModelError: there is no model at `path`, or a run directory has none that is whole.
    """
    if not is_run(path):
        return path
    checkpoint = best_valid_checkpoint(path, warn)
    if checkpoint is None:
        raise ModelError(str(path), "this run has saved no checkpoint yet")
    if not os.path.lexists(path / "best"):
        warn(f"{path}: no validation has chosen a checkpoint yet; {checkpoint.name} is used")
    return checkpoint


def use_model(path: Path, warn: Warn, use: Callable[[Path], Result]) -> Result:
    """What `use` makes of the directory that the user means by MODEL, which a training may be writing to.

    Where the directory is removed while it is used, because another checkpoint has become the best, `use` begins again
    with that one. Arguments and errors are those of `resolve_model`, and errors those of `use`.
    """
    for _ in range(_ATTEMPTS - 1):
        directory = resolve_model(path, warn)
        try:
            return use(directory)
        except ModelError:
            if os.path.lexists(directory):
                raise
    return use(resolve_model(path, warn))


def is_real_directory(path: Path) -> bool:
    """Whether it is a directory itself, and no link to one."""
    # These two, unlike the methods of Path, answer no where a folder on the way may not be searched.
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114
