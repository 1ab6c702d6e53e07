"""Estimates of what a training will take: time, memory and disk."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple, Self

from nmt.config import Config
from nmt.corpus.mixture import Mixture
from nmt.errors import ModelError, StorageError
from nmt.io.atomic_files import free_bytes
from nmt.preflight.findings import Findings, Group
from nmt.preflight.memory import available_memory
from nmt.preflight.run_directory import ResumableRun
from nmt.preflight.tokens import TokenizedSample
from nmt.preflight.trial import TrialModel, TrialOutcome
from nmt.recipes.choice import ENOUGH_UPDATES, FEW_UPDATES
from nmt.training.disk_space import DiskSpace
from nmt.training.progress import duration

_MEGABYTE, _GIGABYTE = 1e6, 1e9


class TrainingLength(NamedTuple):
    """The length of a training."""

    pairs: int  # about how many pairs are kept
    target_tokens: int  # target tokens of an epoch, which has corpora by their weights
    epoch_updates: int  # updates of an epoch
    updates: int | None  # updates until the first of the limits that count them; None if no limit does

    @classmethod
    def from_sample(cls, config: Config, tokenized: TokenizedSample, pairs: int) -> Self:
        """Estimates the length for a corpus of about `pairs` pairs from its tokenised sample."""
        kept, store = pairs * tokenized.report.kept / tokenized.report.read, tokenized.store
        mixture = Mixture.from_config(config.data.train, store.report.by_file, tokenized.tokenizers.source)
        of_sample = sum(part.weight * store.target_tokens_between(part.start, part.stop) for part in mixture.parts)
        tokens = round(kept * float(of_sample) / len(store))
        epoch = max(1, -(-tokens // config.training.batch_tokens))
        limits = [config.training.max_steps]
        if config.training.max_epochs is not None:
            limits.append(config.training.max_epochs * epoch)
        return cls(round(kept), tokens, epoch, min((limit for limit in limits if limit is not None), default=None))


def estimate_time(
    config: Config,
    length: TrainingLength,
    outcome: TrialOutcome | None,
    resumable: ResumableRun | None,
    findings: Findings,
) -> dict[str, Any]:
    """Estimates how long training will take; adds it to the findings, and returns the estimates by name."""
    training = config.training
    updates = length.updates
    estimates = {"pairs": length.pairs, "updates_per_epoch": length.epoch_updates, "updates": updates}
    by_clock = math.inf if training.max_minutes is None else 60 * training.max_minutes
    each = None if outcome is None else outcome.seconds / outcome.updates
    if training.initialize_from is None:  # what a model knows already may want few updates
        _warn_of_few(updates, each, by_clock, findings)
    if outcome is None or each is None:
        return estimates
    speed = outcome.target_tokens / outcome.seconds
    left = None if updates is None else max(0, updates - (resumable.step if resumable else 0))
    seconds = math.inf if left is None else left * each
    what = f"{each:.3g} s an update, {speed:,.0f} target tokens/s; {length.epoch_updates:,} updates are an epoch"
    if by_clock < seconds:
        ending = f"training.max_minutes ends training after about {by_clock / each:,.0f}"
        what += f", and {ending}, or somewhat earlier, since validations take time, too"
    elif left is not None:
        what += f", and {left:,} updates take about {duration(seconds)}, without validations"
    else:
        what += "; when training.patience ends it, nobody knows"
    findings.inform(Group.TRAINING, "time", "", what)
    known = min(seconds, by_clock)
    return {
        **estimates,
        "seconds_per_update": each,
        "target_tokens_per_second": speed,
        "seconds": known if known < math.inf else None,
    }


def _warn_of_few(updates: int | None, each: float | None, by_clock: float, findings: Findings) -> None:
    """Warns of a training of too few updates: those that its limits count, or those of `each` seconds in its time."""
    in_time = math.inf if each is None else by_clock / each
    if updates is not None and updates < FEW_UPDATES and updates <= in_time:
        what = f"training ends after {updates:,} updates, from which little is learned"
        advice = "raise max_epochs or max_steps, lower batch_tokens, or find more pairs"
        findings.warn(Group.TRAINING, "few_updates", "training", what, advice)
    elif each is not None and in_time < FEW_UPDATES:
        what = f"about {in_time:,.0f} updates fit into max_minutes ({duration(by_clock)}), from which little is learned"
        enough = math.ceil(ENOUGH_UPDATES * each / 60)
        advice = (
            f"raise max_minutes to {enough:,} or more; if this machine is busy with something else, let it end first"
        )
        findings.warn(Group.TRAINING, "few_updates", "training", what, advice)


def estimate_memory(outcome: TrialOutcome, findings: Findings) -> dict[str, Any]:
    """Estimates how much memory training will take; adds it to the findings, and returns the estimates by name."""
    available = available_memory()
    if outcome.memory is not None:
        there = "" if available is None else f"; {available / _GIGABYTE:.1f} GB are available"
        what = f"{outcome.memory / _GIGABYTE:.1f} GB of memory at most, in updates with the longest sentences{there}"
        serious = available is not None and outcome.memory > available
        findings.grade(serious, Group.TRAINING, "memory", "", what, "lower training.batch_tokens")
    estimates: dict[str, Any] = {"memory_bytes": outcome.memory, "memory_available_bytes": available}
    if outcome.device_memory is not None:
        used, total = outcome.device_memory
        what = f"{used / _GIGABYTE:.1f} of the device's {total / _GIGABYTE:.1f} GB at most"
        findings.inform(Group.TRAINING, "device_memory", "", what)
        estimates |= {"device_memory_bytes": used, "device_memory_total_bytes": total}
    return estimates


def estimate_disk(
    config: Config,
    run: Path,
    model: TrialModel,
    tokenized: TokenizedSample,
    pairs: int,
    resumable: ResumableRun | None,
    findings: Findings,
) -> dict[str, Any]:
    """Estimates how much disk training will take; adds it to the findings, and returns the estimates by name.

    `pairs` is about how many pairs are kept. Nothing is estimated if the free space is unknown.
    """
    try:
        space, free = DiskSpace.required(config, run, model.weights), free_bytes(run)
    except (ModelError, StorageError) as unknown:
        findings.error(Group.TRAINING, "disk", unknown)
        return {}
    # Alignments have about as many links as there are tokens.
    copies = 2 if config.training.guided_alignment else 1
    corpus = 0 if resumable is not None else round(copies * tokenized.bytes_per_pair * pairs)
    needed = corpus + space.bytes
    with findings.catching(Group.TRAINING, "disk", StorageError):
        space.check(run, free)
        if free < needed:
            what = f"{free / _GIGABYTE:.1f} GB are free, but {needed / _GIGABYTE:.1f} GB will be written"
            raise StorageError(str(run), what)
        what = (
            f"{needed / _GIGABYTE:.2f} GB of disk: {corpus / _MEGABYTE:,.0f} MB for the corpus and "
            f"{space.checkpoints} checkpoints of {space.size / _MEGABYTE:,.0f} MB; {free / _GIGABYTE:.1f} GB are free"
        )
        findings.inform(Group.TRAINING, "disk", str(run), what)
    return {"disk_bytes": needed, "disk_free_bytes": free}
