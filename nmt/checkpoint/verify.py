"""Verifies that a model directory is whole, without using the model: no torch, and memory for a part of a file only.

A training may be writing to the run directory meanwhile: what it has removed or replaced is no damage.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from nmt.checkpoint import layout
from nmt.checkpoint.manifest import Manifest, Purpose, read_file, read_manifest, read_regular_file, verify
from nmt.checkpoint.run_directory import NOT_ITS_OWN, Pointer, checkpoints, is_real_directory, is_run, read_pointer
from nmt.checkpoint.tensor_file import check_numbers
from nmt.checkpoint.tokenizer_folder import check_tokenizer_folder
from nmt.checkpoint.training_state import TrainingState, read_state
from nmt.config import from_yaml
from nmt.errors import ConfigError, ModelError, NmtError, Problem
from nmt.io.system_files import entries
from nmt.tokenization.tokenizer import Tokenizer

_ATTEMPTS = 5
_SECONDS_BETWEEN = 0.05  # more than it takes to put a directory in the place of another

PartKind = Literal["model", "checkpoint", "mark", "configuration", "tokenizer"]


@dataclass(frozen=True)
class VerifiedPart:
    """A part of a model or run, verified."""

    path: Path  # of a directory or a file
    kind: PartKind  # a model is the directory that the user named, exported or a checkpoint; a mark is a pointer
    sound: tuple[str, ...]  # names of its files that are as they should be; of a file, its own
    problems: tuple[Problem, ...]  # files that are damaged, missing or foreign

    @property
    def translates(self) -> bool:
        """True if a checkpoint or model can translate: its problems, if it has any, concern training alone."""
        needless = {str(self.path / name) for name in layout.TRAINING_FILES}
        return self.kind in ("model", "checkpoint") and all(problem.where in needless for problem in self.problems)


def verify_model(path: Path) -> Iterator[VerifiedPart]:
    """Verifies all of MODEL, one part after the other: of a run checkpoints, pointers, tokenizers and configuration.

    Raises ModelError if there is no model at `path`, or it cannot be listed.
    """
    if is_run(path):
        yield from _verify_run(path)
    else:
        yield _checksummed(path, "model", "everything")


def _verify_run(run: Path) -> Iterator[VerifiedPart]:
    folder = run / layout.CHECKPOINTS
    if os.path.lexists(folder) and not is_real_directory(folder):
        yield VerifiedPart(folder, "checkpoint", (), (Problem(str(folder), NOT_ITS_OWN),))
        return
    verify_checkpoint = partial(_checksummed, kind="checkpoint", purpose="training")
    found = False
    for _ in range(_ATTEMPTS):
        for checkpoint in checkpoints(run):
            if (part := _settled(checkpoint, verify_checkpoint)) is not None:
                found = True
                yield part
        if found:  # else a training may have saved others, and removed all that were listed
            break
    pointers = [part for name in (layout.BEST, layout.LAST) if (part := _pointer(run, name)) is not None]
    if not found and not any(part.problems for part in pointers):
        raise ModelError(str(run), f"this run has saved no checkpoint in {layout.CHECKPOINTS} yet")
    yield from pointers
    for name, check in ((layout.CONFIG, _configuration), (layout.TOKENIZER, _tokenizers)):
        if os.path.lexists(run / name) and (part := _settled(run / name, check)) is not None:
            yield part


def _settled(path: Path, check: Callable[[Path], VerifiedPart]) -> VerifiedPart | None:
    """Returns the part that `check` verifies, again if the path was replaced meanwhile; None if it is gone."""
    for attempt in range(_ATTEMPTS):
        before = _identity(path)
        if before is None:
            return None
        part = check(path)
        if not part.problems or _identity(path) == before or attempt + 1 == _ATTEMPTS:
            return part
    return None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        information = path.lstat()
    except OSError:
        return None
    return information.st_dev, information.st_ino


def _checksummed(directory: Path, kind: PartKind, purpose: Purpose) -> VerifiedPart:
    try:
        manifest = read_manifest(directory)
    except ModelError as error:
        return VerifiedPart(directory, kind, (), error.problems)
    problems = verify(directory, purpose=purpose)
    whole = manifest.files.keys() - {Path(problem.where).name for problem in problems}
    problems += [problem for name in sorted(whole) for problem in _unreadable(directory, name, manifest)]
    try:
        foreign = set(entries(directory)) - manifest.files.keys() - {layout.MANIFEST} - layout.UNLISTED
    except OSError as error:
        problems.append(Problem(str(directory), f"cannot be read: {error.strerror}"))
    else:
        problems += [
            Problem(str(directory / name), f"not in the {layout.MANIFEST} beside it") for name in sorted(foreign)
        ]
    damaged = {problem.where for problem in problems}
    sound = [name for name in sorted({layout.MANIFEST, *manifest.files}) if str(directory / name) not in damaged]
    return VerifiedPart(directory, kind, tuple(sound), tuple(sorted(problems, key=lambda problem: problem.where)))


def _unreadable(directory: Path, name: str, manifest: Manifest) -> tuple[Problem, ...]:
    """Finds what is wrong with the content of a file that is as the manifest says."""
    path = directory / name
    try:
        if name in layout.TENSOR_FILES:
            check_numbers(directory, name, manifest.files[name])
        elif name == layout.CONFIG:
            from_yaml(read_file(directory, name, manifest), str(path))
        elif name in layout.TOKENIZER_FILES:
            Tokenizer(read_file(directory, name, manifest), str(path)).for_target()
        elif name == layout.STATE:
            TrainingState.from_json(read_state(directory, manifest), path)
    except NmtError as error:
        return error.problems
    return ()


def _pointer(run: Path, name: Pointer) -> VerifiedPart | None:
    """Verifies a pointer, and that the checkpoint that it names is there; None if there is no pointer."""
    part = _pointer_now(run, name)
    for _ in range(_ATTEMPTS - 1):
        if part is None or not part.problems:
            break
        time.sleep(_SECONDS_BETWEEN)  # a training may have marked another and removed this one, or be replacing it
        part = _pointer_now(run, name)
    return part


def _pointer_now(run: Path, name: Pointer) -> VerifiedPart | None:
    path = run / name
    try:
        checkpoint = read_pointer(run, name)
    except ModelError as error:
        return VerifiedPart(path, "mark", (), error.problems)
    if checkpoint is None:
        return None
    if is_real_directory(checkpoint):
        return VerifiedPart(path, "mark", (name,), ())
    what = NOT_ITS_OWN if os.path.lexists(checkpoint) else f"missing, though {name} names it"
    return VerifiedPart(path, "mark", (), (Problem(str(checkpoint), what),))


def _configuration(path: Path) -> VerifiedPart:
    try:
        from_yaml(read_regular_file(path), str(path))
    except (ModelError, ConfigError) as error:
        return VerifiedPart(path, "configuration", (), error.problems)
    return VerifiedPart(path, "configuration", (path.name,), ())


def _tokenizers(folder: Path) -> VerifiedPart:
    problems = tuple(check_tokenizer_folder(folder))
    damaged = {problem.where for problem in problems}
    names = [] if str(folder / layout.FINGERPRINT) in damaged else [layout.FINGERPRINT, *sorted(layout.TOKENIZER_FILES)]
    sound = [name for name in names if str(folder / name) not in damaged and os.path.lexists(folder / name)]
    return VerifiedPart(folder, "tokenizer", tuple(sound), problems)
