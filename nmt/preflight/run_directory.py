"""Checks of the run directory: a training may write there, would resume an earlier one, or has finished."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from nmt.checkpoint.ownership import conflicts
from nmt.checkpoint.run_directory import use_latest
from nmt.checkpoint.training_state import TrainingState
from nmt.config import Config
from nmt.errors import ConfigError, ModelError, RunInUseError, StorageError
from nmt.io.locks import lock_holder
from nmt.preflight.findings import Findings, Group
from nmt.tokenization.tokenizers import Tokenizers


class ResumableRun(NamedTuple):
    """An earlier training that this one would resume."""

    step: int  # number of updates made
    state: TrainingState  # with the fingerprints of its texts
    config: Config  # that it goes on with
    tokenizers: Tokenizers  # of source and target
    finished: bool  # True if there is nothing left to do


def check_run_directory(config: Config, run: Path, restart: bool, findings: Findings) -> ResumableRun | None:
    """Checks the run directory, without writing there; returns the run that training would resume, if it can."""
    with findings.catching(Group.RUN, "run_conflict", ModelError):
        if problems := conflicts(config, run):
            findings.error(Group.RUN, "run_conflict", ConfigError.from_problems(problems))
    _check_writable(run, findings)
    with findings.catching(Group.RUN, "run_in_use", StorageError):
        if holder := lock_holder(run):
            findings.error(Group.RUN, "run_in_use", RunInUseError(str(run), f"in use by {holder}"))
    return None if restart or findings.errors else _resumable(config, run, findings)


def _check_writable(run: Path, findings: Findings) -> None:
    existing = next(path for path in (run.absolute(), *run.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        findings.error(Group.RUN, "run_not_writable", StorageError(str(existing), "is no directory"))
    elif not os.access(existing, os.W_OK | os.X_OK):
        findings.error(Group.RUN, "run_not_writable", StorageError(str(existing), "cannot be written"))


def _resumable(config: Config, run: Path, findings: Findings) -> ResumableRun | None:
    damage: list[str] = []
    resumable = None
    with (
        findings.catching(Group.RUN, "run_differs", ConfigError),
        findings.catching(Group.RUN, "run_damaged", ModelError),
    ):
        resumable = use_latest(run, damage.append, lambda directory: _read(config, directory, findings))
    for problem in damage:
        findings.warn(Group.RUN, "run_damaged", "", problem)
    return resumable


def _read(config: Config, directory: Path, findings: Findings) -> ResumableRun:
    # Imported here, since they take a second or two, and most runs are new.
    from nmt.checkpoint.checkpoint import load_checkpoint
    from nmt.training.initialization import inherited
    from nmt.training.resuming import BEGIN_ANEW, check_unchanged, finished_by, how_to_go_on

    checkpoint = load_checkpoint(directory)
    config = inherited(config, checkpoint.config)
    check_unchanged(config, checkpoint)
    state = checkpoint.state
    limit = finished_by(config, state)
    kind, what, advice = "goes_on", f"training would go on from step {state.step:,}", BEGIN_ANEW
    if limit is not None:
        kind, what = "finished", f"this run is finished already: {limit}; training would do nothing"
        advice = how_to_go_on(config, state)
    findings.inform(Group.RUN, kind, str(directory), what, advice)
    return ResumableRun(state.step, state, config, checkpoint.tokenizers, limit is not None)
