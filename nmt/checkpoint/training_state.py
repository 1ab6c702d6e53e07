"""The state of a training, besides tensors: with it, training goes on as if it had never stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from nmt.checkpoint.layout import STATE
from nmt.checkpoint.manifest import Manifest, read_file
from nmt.config import TrainingConfig
from nmt.corpus.batch_order import START, Position
from nmt.errors import ModelError
from nmt.io.strict_json import parse_json

_END = 1 << 62  # upper bound of counts
# Values that earlier versions did not write; they may be missing.
_ADDED = frozenset(
    {
        "best_perplexity",
        "validation",
        "metric",
        "validation_tokenize",
        "divergence_since_record",
        "alignment_since_record",
        "alignments",
    }
)
_MAY_BE_NONE = frozenset({"best_score", "best_perplexity"})
_POSSIBLE = {int: "a number from 0", float: "a finite float", str: "str"}


@dataclass
class TrainingState:
    """The progress of a training; mutable, as training is."""

    step: int = 0  # updates made
    position: Position = START  # of the next batch in the corpus
    seconds: float = 0.0  # of training so far, interruptions not counted
    validated_step: int = 0  # the step of the last validation; 0 before the first
    best_score: float | None = (
        None  # of the early-stopping metric (negated perplexity); None before the first validation
    )
    best_perplexity: float | None = None  # of that validation; it decides between equal scores
    best_step: int = 0  # where it was reached
    validations_without_gain: int = 0  # since the best one
    plateau_validations: int = 0  # without a better score, since the learning rate was last reduced
    reductions: int = 0  # how often a plateau has reduced the learning rate
    corpus: str = ""  # fingerprint of the training corpus
    alignments: str = ""  # fingerprint of the alignments that guide attention; empty without
    # Fingerprint of the text of the validation, the early-stopping metric, and the tokenizer of its BLEU.
    validation: str = ""
    metric: str = ""
    validation_tokenize: str = ""
    loss_since_record: float = 0.0  # cross-entropy summed over the target tokens since the last record of the metrics
    divergence_since_record: float = 0.0  # the same of R-Drop's divergence
    alignment_since_record: float = 0.0  # the same of the attention with given alignments
    tokens_since_record: int = 0  # the number of these
    recorded_seconds: float = 0.0  # `seconds` at the last record

    def as_json(self) -> dict[str, object]:
        """Returns the values for `state.json`."""
        return {**asdict(self), "position": list(self.position)}

    @classmethod
    def from_json(cls, values: Mapping[str, object], where: Path) -> Self:
        """Restores the state from what `as_json` returned; raises ModelError if that was in another version."""
        fields = dict(values)
        position = fields.pop("position", None)
        expected = {name: type(value) for name, value in asdict(cls()).items() if name != "position"}
        expected |= dict.fromkeys(_MAY_BE_NONE, float)
        is_whole = expected.keys() - _ADDED <= fields.keys() <= expected.keys()
        if not is_whole or not isinstance(position, list) or len(position) != len(START):
            raise ModelError(str(where), "is not the state of a training of this version")
        for name, value in fields.items():
            if not _is_possible(value, expected[name]) and not (name in _MAY_BE_NONE and value is None):
                raise ModelError(str(where), f"{name} is {value!r:.60}; expected {_POSSIBLE[expected[name]]}")
        if not all(_is_possible(number, int) for number in position):
            raise ModelError(str(where), f"position is {position!r:.60}; expected {_POSSIBLE[int]}")
        return cls(position=Position(*position), **fields)  # type: ignore[arg-type]  # checked one by one above

    def take_score(self, score: float, perplexity: float, config: TrainingConfig) -> bool:
        """Records the scores of a validation at the present step; returns True if it is the best so far.

        Of equal scores, the one with the lower perplexity is the best. It does not renew patience, which waits for a
        better score: a perfect one could go on being likelier for ever.
        """
        self.validated_step = self.step
        is_higher = self.best_score is None or score > self.best_score
        # An earlier version did not keep the perplexity of the best; any is taken to be lower.
        is_likelier = score == self.best_score and perplexity < (self.best_perplexity or math.inf)
        if is_higher or is_likelier:
            self.best_score, self.best_perplexity, self.best_step = score, perplexity, self.step
        if is_higher:
            self.validations_without_gain = self.plateau_validations = 0
            return True
        self.validations_without_gain += 1
        self.plateau_validations += 1
        if config.schedule == "plateau" and self.plateau_validations >= config.plateau_patience:
            self.plateau_validations = 0
            self.reductions += 1
        return is_likelier

    def limit_reached(self, config: TrainingConfig) -> str | None:
        """Returns the limit of the configuration that ends training here, in words; None if none does."""
        if config.max_steps is not None and self.step >= config.max_steps:
            return f"max_steps {config.max_steps} reached"
        if config.max_epochs is not None and self.position.epoch >= config.max_epochs:
            return f"max_epochs {config.max_epochs} reached"
        if config.max_minutes is not None and self.seconds >= 60 * config.max_minutes:
            return f"max_minutes {config.max_minutes:g} reached"
        if config.patience is not None and self.validations_without_gain >= config.patience:
            return f"no better {self.metric or 'score'} in {config.patience} validations"
        return None

    @property
    def epochs_begun(self) -> int:
        """The epoch of the last update, counted from 1."""
        return max(1, self.position.epoch + (self.position[1:] != START[1:]))

    def count(self, tokens: int, loss: float, divergence: float, alignment: float) -> None:
        """Adds an update's target tokens, and the terms of its loss summed over them, to those of the next record."""
        self.loss_since_record += loss
        self.divergence_since_record += divergence
        self.alignment_since_record += alignment
        self.tokens_since_record += tokens

    def start_record(self) -> None:
        """Resets the counts, after a record."""
        self.loss_since_record = 0.0
        self.divergence_since_record = 0.0
        self.alignment_since_record = 0.0
        self.tokens_since_record = 0
        self.recorded_seconds = self.seconds

    def expected_steps(self, config: TrainingConfig, epochs_done: float) -> float:
        """Estimates the number of updates until the nearest limit, patience aside, at the pace so far.

        At the limit it is the number of updates made; it is infinite where no limit ends the training. `epochs_done` is
        how often the corpus was gone through, with the part of the present epoch
        (`nmt.corpus.batch_order.BatchOrder.epochs_done`).
        """
        lengths = [math.inf]
        if config.max_steps is not None:
            lengths.append(config.max_steps)
        if config.max_epochs is not None and epochs_done > 0:
            lengths.append(self.step * config.max_epochs / epochs_done)
        if config.max_minutes is not None and self.seconds > 0:
            lengths.append(self.step * 60 * config.max_minutes / self.seconds)
        return min(lengths)

    def share_done(self, config: TrainingConfig, epochs_done: float) -> float:
        """Returns the share of the nearest limit that is used up, from 0 to 1, patience aside."""
        return min(1.0, self.step / max(1.0, self.expected_steps(config, epochs_done)))

    def seconds_left(self, config: TrainingConfig, epochs_done: float) -> float:
        """Estimates the seconds to the nearest limit at the pace so far; infinite while that is unknown."""
        share = self.share_done(config, epochs_done)
        return self.seconds * (1 - share) / share if share > 0 else math.inf


def read_state(directory: Path, manifest: Manifest) -> dict[str, object]:
    """Reads the JSON values of a checkpoint's state; raises ModelError if it is missing, damaged, or no JSON object."""
    state = parse_json(read_file(directory, STATE, manifest), directory / STATE)
    if not isinstance(state, dict):
        raise ModelError(str(directory / STATE), f"expected a JSON object, found {type(state).__name__}")
    return state


def _is_possible(value: object, kind: type) -> bool:
    """Returns True if a training can have reached a value, which is to be of a `kind`."""
    if type(value) is not kind:
        return False
    if isinstance(value, int):
        return 0 <= value < _END
    return not isinstance(value, float) or math.isfinite(value)
