"""Ownership of a run directory: a training overwrites only what it wrote, and nobody else writes there meanwhile.

Nothing here needs torch, so that a mistake is answered before it is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from nmt.checkpoint import layout
from nmt.checkpoint.run_directory import checkpoints
from nmt.config import Config
from nmt.errors import ConfigError, NmtError, Problem
from nmt.io.atomic_files import TEMPORARY_PREFIX, make_directory, storage_errors
from nmt.io.locks import LOCK_NAME, RunLock
from nmt.io.system_files import entries

# Files of one training alone, which are removed when another begins anew. Tokenizer and corpus record what they were
# made from, and stay for as long as that is the same.
OF_ONE_TRAINING = (layout.CHECKPOINTS, layout.METRICS, layout.CONFIG, layout.TENSORBOARD)
_WRITTEN = (layout.BEST, layout.LAST, *OF_ONE_TRAINING, layout.TOKENIZER, layout.CORPUS, layout.ALIGNMENTS)
# Each of these folders is written at once, with a file by which it is known to be ours.
_MARKS = {layout.TOKENIZER: layout.FINGERPRINT, layout.CORPUS: "corpus.json", layout.ALIGNMENTS: "corpus.json"}


@contextmanager
def own_run_directory(config: Config, run: Path, job: str = "") -> Iterator[RunLock]:
    """Makes the run directory if need be, and holds it for this process as long as the `with` block lasts.

    Yields the lock that holds it. For a process of the same `job` it waits, as `RunLock` does. If the block ends with
    an error, the folders that were made, and hold nothing but a log, are removed.

    Raises:
        ConfigError: training would overwrite what it did not write; nothing was written then.
        RunInUseError: another process trains there.
        StorageError: the directory cannot be made.
        ModelError: its checkpoints cannot be read.
    """
    if problems := conflicts(config, run):
        raise ConfigError.from_problems(problems)
    made = [folder for folder in (run, *run.parents) if not os.path.lexists(folder)]
    make_directory(run)
    with RunLock(run, job) as lock:
        try:
            yield lock
        except NmtError:
            _remove_unused(made)
            raise


def _remove_unused(made: list[Path]) -> None:
    """Removes folders that were made, the innermost, a run directory, first, unless that holds more than a log."""
    # What somebody else uses stays: another process its folder, and Windows a file that is open.
    with suppress(OSError):
        if not made or not set(entries(made[0])) <= {LOCK_NAME, layout.LOG}:
            return
        for name in (layout.LOG, LOCK_NAME):
            (made[0] / name).unlink(missing_ok=True)
        for folder in made:
            folder.rmdir()


def conflicts(config: Config, run: Path) -> list[Problem]:
    """Finds files of others that a training there would overwrite. Raises ModelError as `own_run_directory` does."""
    return [*_foreign(run), *_inputs_within(config, run)] or list(_in_use_otherwise(run))


def _in_use_otherwise(run: Path) -> Iterator[Problem]:
    """Finds that the folder is no run, and holds something of somebody's."""
    real = run.resolve()
    if real == Path(real.anchor) or real == _home():
        yield Problem(str(run), "the root or the home folder, in which a training would mix its files; choose another")
        return
    with storage_errors(run):
        names = entries(run) if run.is_dir() else []
    others = [name for name in names if not name.startswith(TEMPORARY_PREFIX)]
    if others and not _is_run(run):
        shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        what = f"no run of a training, and not empty ({shown}); choose an empty folder, or one that is not there yet"
        yield Problem(str(run), what)


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except RuntimeError:  # nobody knows it
        return None


def _is_run(run: Path) -> bool:
    """Returns True for a folder in which a training has begun."""
    return (
        any(os.path.lexists(run / name) for name in (LOCK_NAME, "train.log"))
        or any(os.path.lexists(run / folder / mark) for folder, mark in _MARKS.items())
        or bool(checkpoints(run))
    )


def _foreign(run: Path) -> Iterator[Problem]:
    """Finds files in the run directory that have a name of ours, and were written by somebody else."""
    if os.path.lexists(run / layout.MANIFEST):
        yield Problem(str(run), "a checkpoint or an exported model, where a training would overwrite files")
    is_run = _is_run(run)
    for name in _WRITTEN:
        is_ours = os.path.lexists(run / name / _MARKS[name]) if name in _MARKS else is_run
        if os.path.lexists(run / name) and not is_ours:
            yield Problem(str(run / name), "not written by a training, which would overwrite it; choose another folder")


def _inputs_within(config: Config, run: Path) -> Iterator[Problem]:
    """Finds files that training reads and that lie where it writes."""
    data, tokenizer = config.data, config.tokenizer
    sets = filter(None, (*data.train, *data.validation, data.test))
    inputs = chain.from_iterable(chain(*files.paths) for files in sets)
    written = [(run / name).resolve() for name in _WRITTEN]
    models = filter(None, (tokenizer.source_model, tokenizer.target_model))
    for path in dict.fromkeys([*inputs, *models, *(config.training.alignments or ())]):
        if any(Path(path).resolve().is_relative_to(place) for place in written):
            yield Problem(path, f"lies where a training in {run} writes; keep it elsewhere")
