"""Dropout in the forms the model uses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


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
        if not self.variational:
            return functional.dropout(values, self.probability)
        shape = list(values.shape)
        shape[time_dimension] = 1
        return values * functional.dropout(values.new_ones(shape), self.probability)


def drop_words(embedded: Tensor, probability: float) -> Tensor:
    """Sets whole word vectors of `embedded` (·, ·, E) to zero, each with `probability`; scales what is left."""
    if probability == 0.0:
        return embedded
    kept = functional.dropout(torch.ones_like(embedded[..., :1]), probability)
    return embedded * kept
