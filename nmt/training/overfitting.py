"""Overfitting: a validation loss that has risen for long while that of training fell."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

logger = logging.getLogger(__name__)

# Validations since the lowest loss, and since the best score. A loss rises by chance, too, and where the model grows
# too sure of itself while its translations still get better.
LEAST_VALIDATIONS = 5
_RISE = 0.02  # share of the lowest validation loss
_FALL = 0.01  # share of the training loss at that time


class Overfitting(NamedTuple):
    """What the losses say since the lowest one of validation."""

    validations: int  # since the lowest loss
    without_gain: int  # of them, those since the best score
    validation_loss: tuple[float, float]  # the lowest and the last
    training_loss: tuple[float, float]  # at that time and now

    @classmethod
    def from_records(cls, records: Sequence[Mapping[str, Any]], without_gain: int) -> Self | None:
        """Judges the records of a run's metrics; None where nothing speaks for overfitting.

        Args:
            records: of training and validation, in the order in which they were written.
            without_gain: number of validations since the best score.
        """
        records = [record for record in records if isinstance(record.get("loss"), int | float)]
        losses = [record["loss"] for record in records if record.get("split") == "validation"]
        if not losses:
            return None
        lowest = min(range(len(losses)), key=losses.__getitem__)
        validations = len(losses) - 1 - lowest
        if min(validations, without_gain) < LEAST_VALIDATIONS:
            return None
        since = losses[-min(validations, without_gain) :]
        training = _training_losses(records)
        then, now = training[lowest], training[-1]
        if then is None or now is None or now > (1 - _FALL) * then or min(since) <= (1 + _RISE) * losses[lowest]:
            return None
        return cls(validations, min(validations, without_gain), (losses[lowest], losses[-1]), (then, now))

    def __str__(self) -> str:
        (lowest, last), (then, now) = self.validation_loss, self.training_loss
        return (
            f"validation loss has been higher than at its lowest for {self.validations} validations "
            f"({lowest:.2f} → {last:.2f}) while training loss fell ({then:.2f} → {now:.2f}), and the score has not "
            f"improved in {self.without_gain}: the model learns the training text by heart; more dropout, more text or "
            "fewer updates help"
        )


class OverfittingWatch:
    """Warns of overfitting, once."""

    def __init__(self) -> None:
        self._has_warned = False

    def look(self, records: Sequence[Mapping[str, Any]], without_gain: int) -> None:
        """Judges the records so far, after each validation; arguments as for `Overfitting.from_records`."""
        if not self._has_warned and (found := Overfitting.from_records(records, without_gain)) is not None:
            logger.warning("%s", found)
            self._has_warned = True


def _training_losses(records: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """Returns for each validation the mean training loss since the one before it, or else the last one known."""
    means: list[float | None] = []
    losses: list[float] = []
    known: float | None = None
    for record in records:
        if record.get("split") == "validation":
            known = sum(losses) / len(losses) if losses else known
            means.append(known)
            losses = []
        else:
            losses.append(record["loss"])
    return means
