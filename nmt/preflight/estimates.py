"""What a training will take: time, memory and disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from nmt.config import Config
from nmt.errors import ModelError, StorageError
from nmt.io.atomic_files import free_bytes
from nmt.preflight.findings import Findings, Group
from nmt.preflight.memory import available_memory
from nmt.preflight.run_directory import Begun
from nmt.preflight.tokens import Tokenized
from nmt.preflight.trial import Model, Outcome
from nmt.training.disk_space import DiskSpace
from nmt.training.progress import duration

# Of fewer updates, hardly anything is learned.
FEW_UPDATES = 500
_MEGABYTE, _GIGABYTE = 1e6, 1e9


class Extent(NamedTuple):
    """How long a training will be.

    Attributes:
        pairs: about how many it would keep.
        target_tokens: of an epoch.
        epoch: updates of one.
        updates: until the first of the limits that count them; None where none does.
    """

    pairs: int
    target_tokens: int
    epoch: int
    updates: int | None

    @classmethod
    def of(cls, config: Config, tokenized: Tokenized, pairs: int) -> Extent:
        """That of a corpus of about so many pairs, of which a sample was tokenised."""
        kept = pairs * tokenized.report.kept / tokenized.report.read
        tokens = round(kept * tokenized.store.target_tokens / len(tokenized.store))
        epoch = max(1, -(-tokens // config.training.batch_tokens))
        limits = [config.training.max_steps]
        if config.training.max_epochs is not None:
            limits.append(config.training.max_epochs * epoch)
        return cls(round(kept), tokens, epoch, min((limit for limit in limits if limit is not None), default=None))


def expect_time(
    config: Config, extent: Extent, outcome: Outcome | None, begun: Begun | None, findings: Findings
) -> dict[str, Any]:
    """Tells how long training will take; the numbers for programs."""
    training = config.training
    expected: dict[str, Any] = {"pairs": extent.pairs, "updates_per_epoch": extent.epoch, "updates": extent.updates}
    if extent.updates is not None and extent.updates < FEW_UPDATES:
        what = f"training ends after {extent.updates:,} updates, from which little is learned"
        advice = "raise max_epochs or max_steps, or lower batch_tokens"
        findings.warn(Group.TRAINING, "few_updates", "training", what, advice)
    if outcome is None:
        return expected
    each, speed = outcome.seconds / outcome.updates, outcome.target_tokens / outcome.seconds
    left = None if extent.updates is None else max(0, extent.updates - (begun.step if begun else 0))
    seconds = None if left is None else left * each
    if training.max_minutes is not None:
        seconds = min(60 * training.max_minutes, seconds if seconds is not None else 60 * training.max_minutes)
    what = f"{each:.3g} s an update, {speed:,.0f} target tokens/s; {extent.epoch:,} updates are an epoch"
    if seconds is not None:
        ends = f"{left:,} updates" if left is not None else "training.max_minutes"
        what += f", and {ends} take about {duration(seconds)}, without validations"
    else:
        what += "; when training.patience ends it, nobody knows"
    findings.inform(Group.TRAINING, "time", "", what)
    return expected | {
        "seconds_per_update": each,
        "target_tokens_per_second": speed,
        "seconds": seconds,
    }


def expect_memory(outcome: Outcome, findings: Findings) -> dict[str, Any]:
    """Tells how much memory training will take; the numbers for programs."""
    available = available_memory()
    there = "" if available is None else f"; {available / _GIGABYTE:.1f} GB are available"
    what = f"{outcome.memory / _GIGABYTE:.1f} GB of memory at most, in updates with the longest sentences{there}"
    serious = available is not None and outcome.memory > available
    findings.grade(serious, Group.TRAINING, "memory", "", what, "lower training.batch_tokens")
    expected: dict[str, Any] = {"memory_bytes": outcome.memory, "memory_available_bytes": available}
    if outcome.device_memory is not None:
        used, total = outcome.device_memory
        what = f"{used / _GIGABYTE:.1f} of the device's {total / _GIGABYTE:.1f} GB at most"
        findings.inform(Group.TRAINING, "device_memory", "", what)
        expected |= {"device_memory_bytes": used, "device_memory_total_bytes": total}
    return expected


def expect_disk(
    config: Config,
    run: Path,
    model: Model,
    tokenized: Tokenized,
    pairs: int,
    begun: Begun | None,
    findings: Findings,
) -> dict[str, Any]:
    """Tells how much disk training will take, or that there is less; the numbers for programs."""
    try:
        room, free = DiskSpace.required(config, run, model.weights), free_bytes(run)
    except (ModelError, StorageError) as unknown:
        findings.error(Group.TRAINING, "disk", unknown)
        return {}
    corpus = 0 if begun is not None else round(tokenized.bytes_per_pair * pairs)
    needed = corpus + room.bytes
    with findings.catching(Group.TRAINING, "disk", StorageError):
        room.check(run, free)
        if free < needed:
            what = f"{free / _GIGABYTE:.1f} GB are free, but {needed / _GIGABYTE:.1f} GB will be written"
            raise StorageError(str(run), what)
        what = (
            f"{needed / _GIGABYTE:.2f} GB of disk: {corpus / _MEGABYTE:,.0f} MB for the corpus and "
            f"{room.checkpoints} checkpoints of {room.size / _MEGABYTE:,.0f} MB; {free / _GIGABYTE:.1f} GB are free"
        )
        findings.inform(Group.TRAINING, "disk", str(run), what)
    return {"disk_bytes": needed, "disk_free_bytes": free}
