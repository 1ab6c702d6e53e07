"""The run directory: its checkpoints, which of them is the best and the last, and which may be removed.

Nothing here needs torch, so that a command can find its model, or learn that there is none, before loading it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from nmt.checkpoint.layout import BEST, CHECKPOINTS, LAST, MANIFEST, STASH, WEIGHTS
from nmt.checkpoint.manifest import Purpose, check_whole, open_regular_file, unreadable, verify
from nmt.errors import ModelError, Problem, UnreadableError
from nmt.io.atomic_files import remove, write_file

NOT_ITS_OWN = "a link or no directory; a run directory holds its checkpoints itself"
_CHECKPOINT_NAME = re.compile(r"step-([0-9]{8,12})")
_LONGEST_POINTER = 64

Pointer = Literal["best", "last"]
Warn = Callable[[str], None]
Result = TypeVar("Result")


def checkpoint_name(step: int) -> str:
    """Returns the name of the checkpoint directory of a step."""
    return f"step-{step:08d}"


def step_of(name: str) -> int | None:
    """Returns the step of a checkpoint directory's name; None if it is the name of something else."""
    match = _CHECKPOINT_NAME.fullmatch(name)
    step = int(match[1]) if match else None
    return step if step is not None and checkpoint_name(step) == name else None


def model_name(directory: Path) -> str:
    """Returns the name of the run that a checkpoint belongs to, or that of an exported model's own directory."""
    directory = directory.resolve()
    if directory.parent.name == CHECKPOINTS and step_of(directory.name) is not None:
        directory = directory.parent.parent
    return directory.name


def checkpoints(run: Path) -> list[Path]:
    """Lists the checkpoint directories of a run, the oldest first, valid or not; raises ModelError if it cannot."""
    folder = run / CHECKPOINTS
    if not _exists(folder) or not is_real_directory(folder):
        return []
    try:
        by_step = [(step, path) for path in folder.iterdir() if (step := step_of(path.name)) is not None]
    except OSError as error:
        raise unreadable(folder, error) from error
    return [path for _, path in sorted(by_step) if is_real_directory(path)]


def set_pointer(run: Path, pointer: Pointer, name: str) -> None:
    """Points to a finished checkpoint as the run's best or last. A kill before, during or after it does no harm.

    Raises StorageError if the pointer cannot be written; it names what it named before.
    """
    assert step_of(name) is not None, name
    write_file(run / pointer, f"{name}\n".encode())


def read_pointer(run: Path, pointer: Pointer) -> Path | None:
    """Returns the checkpoint directory that a pointer names, be it there or not; None if there is no pointer yet.

    Raises ModelError if the pointer is no regular file or does not hold the name of a checkpoint.
    """
    path = run / pointer
    if not _exists(path):
        return None
    with open_regular_file(path, None) as (file, size):
        text = file.read(_LONGEST_POINTER)
    name = text.decode("ascii", "replace").removesuffix("\n")
    if size > _LONGEST_POINTER or step_of(name) is None:
        raise ModelError(str(path), f"damaged: expected the name of a checkpoint, found {name!r:.70}")
    return run / CHECKPOINTS / name


def prune(run: Path, keep: int) -> None:
    """Removes the run's checkpoints but the best, the last, and the newest `keep` of the others.

    What `nmt.checkpoint.restart.stash` kept goes as well, now that there is a checkpoint in its place. No checkpoint is
    removed while a pointer is damaged: any of them may be the one it named. Raises StorageError if one cannot be
    removed, and ModelError as `checkpoints` does.
    """
    if os.path.lexists(run / STASH) and os.path.lexists(run / LAST):
        remove(run / STASH)
    try:
        protected = {read_pointer(run, BEST), read_pointer(run, LAST)}
    except ModelError:
        return
    others = [path for path in checkpoints(run) if path not in protected]
    for path in others[: max(0, len(others) - keep)]:
        remove(path)


def checkpoints_to_replace(run: Path) -> int:
    """Counts the checkpoints, stashed ones too, whose disk space new ones will take; raises as `checkpoints` does."""
    return len(checkpoints(run)) + len(checkpoints(run / STASH))


def use_latest(run: Path, warn: Warn, read: Callable[[Path], Result]) -> Result | None:
    """Returns what `read` makes of the checkpoint that training resumes from: the last, or the newest whole one.

    Returns None if nothing has been saved yet. Raises ModelError if there are checkpoints, and all of them are damaged,
    or if `read` found a fault that is no damage, and UnreadableError if one that comes first may not be read.

    Args:
        run: the run directory.
        warn: called with a message, which names the file, for everything damaged that was passed over.
        read: reads all files of a checkpoint, and finds damage by that: ModelError.
    """
    found = _read_first_whole(run, (LAST,), "training", warn, read)
    return None if found is None else found[1]


def use_model(path: Path, warn: Warn, read: Callable[[Path], Result], *, verify_first: bool = False) -> Result:
    """Returns what `read` makes of the directory that the user means by MODEL, which a training may be writing to.

    Args:
        path: a run directory (its best checkpoint is meant), a checkpoint directory, or an exported model directory.
        warn: called with a message when a run's best checkpoint is damaged and another is used.
        read: reads all files that translation needs, and finds damage by that: ModelError.
        verify_first: compares a run's checkpoint with its manifest first, for a `read` that needs only a part of it.

    Raises:
        ModelError: there is no model at `path`, or a run directory has none that is whole; or `read` found a fault that
            is no damage.
        UnreadableError: the model that is meant may not be read; no other is used in its place.
    """
    if not is_run(path):
        return read(path)

    def read_verified(directory: Path) -> Result:
        if verify_first:
            check_whole(directory, purpose="translation")
        return read(directory)

    found = _read_first_whole(path, (BEST, LAST), "translation", warn, read_verified)
    if found is None:
        raise ModelError(str(path), "this run has saved no checkpoint yet")
    directory, result = found
    if not os.path.lexists(path / BEST):
        warn(f"{path}: no validation has chosen a checkpoint yet; {directory.name} is used")
    return result


def _read_first_whole(
    run: Path, pointers: Sequence[Pointer], purpose: Purpose, warn: Warn, read: Callable[[Path], Result]
) -> tuple[Path, Result] | None:
    """Reads the first checkpoint that is whole: those that pointers name, then the newest; None if there is none.

    A checkpoint is read once. Only where that fails is it compared with its manifest, file by file, which tells damage
    from another fault.
    """
    named, problems = _named(run, pointers)
    found: tuple[Path, Result] | None = None
    for path in dict.fromkeys([*named, *reversed(checkpoints(run))]):
        if damage := _not_there(path):
            problems += damage
            continue
        try:
            found = path, read(path)
            break
        except UnreadableError:
            raise
        except ModelError:
            damage = _not_there(path) or verify(path, purpose=purpose)
            if not damage:
                raise
            problems += damage
    if problems and _named(run, pointers)[0] != named:
        # A training has saved meanwhile, and removed what was being read.
        return _read_first_whole(run, pointers, purpose, warn, read)
    if found is None and problems:
        raise ModelError.from_problems(problems)
    for problem in problems:
        warn(f"{problem}; using {found[0] if found else None} instead")
    return found


def _named(run: Path, pointers: Sequence[Pointer]) -> tuple[list[Path], list[Problem]]:
    """Returns the checkpoints that pointers name, and what is wrong with the pointers."""
    named: list[Path] = []
    problems: list[Problem] = []
    for pointer in pointers:
        try:
            named += filter(None, [read_pointer(run, pointer)])
        except UnreadableError:
            raise
        except ModelError as error:
            problems += error.problems
    return named, problems


def _not_there(checkpoint: Path) -> list[Problem]:
    if not _exists(checkpoint):
        return [Problem(str(checkpoint), "missing, though the run directory names it")]
    if not (is_real_directory(checkpoint.parent) and is_real_directory(checkpoint)):
        raise UnreadableError(str(checkpoint), NOT_ITS_OWN)
    return []


def is_run(path: Path) -> bool:
    """Returns True for a run directory, False for a checkpoint or an exported model; raises ModelError for others."""
    expected = "expected a run directory, a checkpoint or an exported model"
    try:
        is_directory = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        raise ModelError(str(path), f"cannot be read: {error.strerror}; {expected}") from None
    if not is_directory:
        raise ModelError(str(path), f"not a directory; {expected}")
    if any(_exists(path / name) for name in (MANIFEST, WEIGHTS)):
        return False
    if not any(_exists(path / name) for name in (BEST, LAST, CHECKPOINTS)):
        raise ModelError(str(path), f"holds neither {MANIFEST} nor {CHECKPOINTS}; {expected}")
    return True


def _exists(path: Path) -> bool:
    """Returns True if there is something at the path; raises UnreadableError if the folder may not be searched."""
    try:
        path.lstat()
    except OSError as error:
        if isinstance(found := unreadable(path, error), UnreadableError):
            raise found from error
        return False
    return True


def is_real_directory(path: Path) -> bool:
    """Returns True if the path is a directory itself, and no link to one."""
    # These two, unlike the methods of Path, answer no where a folder on the way may not be searched.
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114
