"""Dropout (Srivastava et al. 2014) in the forms that the model uses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_RANDOM_VALUES = 1 << 16  # of a 16-bit number


def keep_mask(shape: torch.Size | list[int], probability: float) -> Tensor:
    """Draws a bool mask that is False with `probability`, rounded to a multiple of 2^-16.

    torch's generator for the CPU draws one number after the other; four places of the mask from each 64-bit number
    take a tenth of the time of torch's own dropout.
    """
    count = torch.Size(shape).numel()
    drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(1 << 63), None).view(torch.int16)[:count]
    threshold = min(round(probability * _RANDOM_VALUES), _RANDOM_VALUES - 1) - _RANDOM_VALUES // 2
    return (drawn >= threshold).view(shape)


def dropout(values: Tensor, probability: float, shape: list[int]) -> Tensor:
    """Sets values to zero with `probability`, by a mask of `shape`, and scales the others to keep the expectation."""
    if values.device.type != "cpu":
        # torch's own takes one pass over memory.
        if shape == list(values.shape):
            return functional.dropout(values, probability)
        return values * functional.dropout(values.new_ones(shape), probability)
    mask = keep_mask(shape, probability)
    # By way of bytes: torch converts them fast, and bool slowly.
    return values * mask.view(torch.uint8).to(values.dtype).mul_(1 / (1 - probability))


class Dropout(nn.Module):
    """Dropout over features, with a mask for each position or, if `variational`, one for each sentence.

    Source of the latter: Gal and Ghahramani (2016), "A Theoretically Grounded Application of Dropout in Recurrent
    Neural Networks".
    """

    def __init__(self, probability: float, variational: bool = False) -> None:
        super().__init__()
        self.probability = probability
        self.variational = variational

    def forward(self, values: Tensor) -> Tensor:
        """Drops features of `values` (T, B, ·); scales the others."""
        if not self.training or self.probability == 0.0:
            return values
        shape = [1, *values.shape[1:]] if self.variational else list(values.shape)
        return dropout(values, self.probability, shape)


def drop_words(embedded: Tensor, probability: float) -> Tensor:
    """Sets whole word vectors of `embedded` (·, ·, E) to zero, each with `probability`; scales the others."""
    if probability == 0.0:
        return embedded
    return dropout(embedded, probability, [*embedded.shape[:-1], 1])
