"""The run directory: whether a training may write there, would go on from what is there, or has finished."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from nmt.checkpoint.ownership import conflicts
from nmt.checkpoint.run_directory import use_latest
from nmt.config import Config
from nmt.errors import ConfigError, ModelError, RunInUseError, StorageError
from nmt.io.locks import lock_holder
from nmt.preflight.findings import Findings, Group
from nmt.tokenization.tokenizers import Tokenizers


class Begun(NamedTuple):
    """An earlier training that this one would go on with.

    Attributes:
        step: updates it has made.
        corpus: the fingerprint of its corpus.
        tokenizers: of source and target.
        finished: whether there is nothing more to do.
    """

    step: int
    corpus: str
    tokenizers: Tokenizers
    finished: bool


def check_place(config: Config, run: Path, restart: bool, findings: Findings) -> Begun | None:
    """Looks at the run directory, without writing there; what a training would go on with, if that can be."""
    with findings.catching(Group.RUN, "run_conflict", ModelError):
        if problems := conflicts(config, run):
            findings.error(Group.RUN, "run_conflict", ConfigError.from_problems(problems))
    _check_writable(run, findings)
    with findings.catching(Group.RUN, "run_in_use", StorageError):
        if holder := lock_holder(run):
            findings.error(Group.RUN, "run_in_use", RunInUseError(str(run), f"in use by {holder}"))
    return None if restart or findings.errors else _begun(config, run, findings)


def _check_writable(run: Path, findings: Findings) -> None:
    existing = next(path for path in (run.absolute(), *run.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        findings.error(Group.RUN, "run_not_writable", StorageError(str(existing), "is no directory"))
    elif not os.access(existing, os.W_OK | os.X_OK):
        findings.error(Group.RUN, "run_not_writable", StorageError(str(existing), "cannot be written"))


def _begun(config: Config, run: Path, findings: Findings) -> Begun | None:
    damage: list[str] = []
    begun = None
    with (
        findings.catching(Group.RUN, "run_differs", ConfigError),
        findings.catching(Group.RUN, "run_damaged", ModelError),
    ):
        begun = use_latest(run, damage.append, lambda directory: _read(config, directory, findings))
    for problem in damage:
        findings.warn(Group.RUN, "run_damaged", "", problem)
    return begun


def _read(config: Config, directory: Path, findings: Findings) -> Begun:
    # Only now, since these take a second or two, and most runs are new ones.
    from nmt.checkpoint.checkpoint import load_checkpoint
    from nmt.training.pipeline import check_unchanged, finished_by

    checkpoint = load_checkpoint(directory)
    check_unchanged(config, checkpoint)
    state = checkpoint.state
    limit = finished_by(config, state)
    if limit is None:
        what = f"training would go on from step {state.step:,}"
        findings.inform(Group.RUN, "goes_on", str(directory), what, "--restart begins anew")
    else:
        what = f"this run is finished already: {limit}; training would do nothing"
        findings.inform(Group.RUN, "finished", str(directory), what, "--restart begins anew")
    return Begun(state.step, state.corpus, checkpoint.tokenizers, limit is not None)
