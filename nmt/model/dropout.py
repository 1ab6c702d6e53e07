"""Dropout in the forms the model uses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_RANDOM_VALUES = 1 << 16  # of a 16-bit number


def keep_mask(shape: torch.Size | list[int], probability: float) -> Tensor:
    """A bool mask that is False with `probability`, rounded to a multiple of 2^-16, drawn by torch's generator for the
    processor.

    That draws one number after the other; four places of the mask out of each 64-bit one cost a tenth of what torch's
    own dropout does.
    """
    count = torch.Size(shape).numel()
    drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(1 << 63), None).view(torch.int16)[:count]
    threshold = min(round(probability * _RANDOM_VALUES), _RANDOM_VALUES - 1) - _RANDOM_VALUES // 2
    return (drawn >= threshold).view(shape)


def dropout(values: Tensor, probability: float, shape: list[int] | None = None) -> Tensor:
    """Sets values to zero with `probability` and scales what is left, so that the expectation stays.

    `shape` is the shape of the mask, where one draw is to hold for several values.
    """
    if values.device.type != "cpu":
        # In one pass over memory, by torch's own.
        if shape is None or shape == list(values.shape):
            return functional.dropout(values, probability)
        return values * functional.dropout(values.new_ones(shape), probability)
    mask = keep_mask(shape or list(values.shape), probability)
    # By way of bytes, for which torch has a fast conversion, as it has not for truth values.
    return values * mask.view(torch.uint8).to(values.dtype).mul_(1 / (1 - probability))


class Dropout(nn.Module):
    """Dropout over features, with a mask for each position or, when `variational`, one for each sentence.

    Source of the latter: Gal and Ghahramani (2016), "A Theoretically Grounded Application of Dropout in Recurrent
    Neural Networks".
    """

    def __init__(self, probability: float, variational: bool = False) -> None:
        super().__init__()
        self.probability = probability
        self.variational = variational

    def forward(self, values: Tensor, time_dimension: int) -> Tensor:
        """Drops features of `values`, (B, T, ·) or (T, B, ·) with `time_dimension` 1 or 0; scales what is left."""
        if not self.training or self.probability == 0.0:
            return values
        shape = list(values.shape)
        if self.variational:
            shape[time_dimension] = 1
        return dropout(values, self.probability, shape)


def drop_words(embedded: Tensor, probability: float) -> Tensor:
    """Sets whole word vectors of `embedded` (·, ·, E) to zero, each with `probability`; scales what is left."""
    if probability == 0.0:
        return embedded
    return dropout(embedded, probability, [*embedded.shape[:-1], 1])
