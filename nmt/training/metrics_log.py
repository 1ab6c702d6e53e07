"""`metrics.jsonl`: one JSON object a line for each record of training and validation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.checkpoint.layout import METRICS, TENSORBOARD
from nmt.errors import ConfigError, StorageError
from nmt.io.atomic_files import storage_errors, write_file
from nmt.libraries import how_to_install

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from nmt.checkpoint.training_state import TrainingState
    from nmt.config import TrainingConfig
    from nmt.training.validation import ValidationResult


def without_tensorboard() -> ConfigError:
    """Returns the error that TensorBoard is not installed."""
    return ConfigError("training.tensorboard", f"needs TensorBoard: {how_to_install('tensorboard')}")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Reads the records of a metrics file; a last line that a crash cut short is left out.

    Raises StorageError if it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror or error}") from error
    records = []
    for line in content.split(b"\n")[:-1]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def training_record(state: TrainingState, learning_rate: float, config: TrainingConfig) -> dict[str, Any]:
    """Makes the record of the updates since the record before."""
    tokens, seconds = state.tokens_since_record, max(1e-9, state.seconds - state.recorded_seconds)
    record = _record("train", state, state.loss_since_record / tokens)
    if config.r_drop:
        record["divergence"] = state.divergence_since_record / tokens
    if config.guided_alignment:
        record["alignment_loss"] = state.alignment_since_record / tokens
    return record | {
        "learning_rate": learning_rate,
        "target_tokens": tokens,
        "target_tokens_per_second": tokens / seconds,
    }


def validation_record(state: TrainingState, result: ValidationResult) -> dict[str, Any]:
    """Makes the record of a validation."""
    scores = {"perplexity": result.perplexity, "bleu": result.bleu, "chrf": result.chrf}
    return _record("validation", state, result.loss) | scores


def _record(split: str, state: TrainingState, loss: float) -> dict[str, Any]:
    place = {"split": split, "step": state.step, "epoch": state.position.epoch}
    return place | {"seconds": round(state.seconds, 3), "loss": loss}


class MetricsWriter:
    """Appends records to a run's metrics, and to TensorBoard's logs if they are asked for."""

    def __init__(self, run: Path, step: int, validated_step: int, *, tensorboard: bool) -> None:
        """Drops the records past `step`, validations past `validated_step`, which training will write again."""
        self._path = run / METRICS
        reached = {"validation": validated_step}
        records = [
            record
            for record in read_metrics(self._path)
            if record.get("step", 0) <= reached.get(record.get("split", ""), step)
        ]
        write_file(self._path, "".join(json.dumps(record, allow_nan=False) + "\n" for record in records).encode())
        self._board = _open_tensorboard(run / TENSORBOARD, step) if tensorboard else None

    def write(self, record: dict[str, Any]) -> None:
        """Adds a record; it has `split` and `step`."""
        with storage_errors(self._path), self._path.open("ab") as file:
            file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
        if self._board is not None:
            for name, value in record.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(f"{record['split']}/{name}", value, record["step"])

    def records(self) -> list[dict[str, Any]]:
        """Returns the records so far, those of the training that is gone on with, too."""
        return read_metrics(self._path)

    def close(self) -> None:
        """Ends TensorBoard's writer."""
        if self._board is not None:
            self._board.close()


def _open_tensorboard(directory: Path, step: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise without_tensorboard() from error
    return SummaryWriter(str(directory), purge_step=step + 1)
