"""What a training leaves in its run directory, without what a clock decides."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

OF_A_CLOCK = ("seconds", "recorded_seconds", "training_seconds", "target_tokens_per_second")


def without_clock(values: dict[str, Any]) -> dict[str, Any]:
    """What a record or a state says that is the same each time."""
    return {name: value for name, value in values.items() if name not in OF_A_CLOCK}


def records(run: Path) -> list[dict[str, Any]]:
    """The records of the metrics."""
    return [without_clock(json.loads(line)) for line in (run / "metrics.jsonl").read_text().splitlines()]


def digest(file: Path) -> str:
    """By which files are compared: unlike their bytes, it can be shown."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def contents(checkpoint: Path) -> dict[str, Any]:
    """What a training goes on from: weights and optimizer, by the digests of their files, and the state."""
    files = {name: digest(checkpoint / name) for name in ("model.safetensors", "optimizer.safetensors")}
    return {**files, "state": without_clock(json.loads((checkpoint / "state.json").read_text()))}


def outcome(run: Path) -> tuple[Any, ...]:
    """Everything of a run that must not depend on interruptions."""
    pointers = {name: (run / name).read_text().strip() for name in ("best", "last")}
    return records(run), pointers, {name: contents(run / "checkpoints" / name) for name in set(pointers.values())}


def litter(run: Path) -> list[Path]:
    """What saving must not leave behind: every hidden file or folder but the lock."""
    return [path for path in run.rglob(".*") if path.name != ".lock"]
