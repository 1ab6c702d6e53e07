"""Attention by products of query and key (Luong et al. 2015) at each step of the loop over a target.

One version serves every device: its work is products.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.model.kernels.additive_attention import weigh, weigh_back


class DotForward:
    """The forward pass; an `AttentionForward`."""

    def __init__(self, keys: Tensor, annotations: Tensor, padding: Tensor, weights: Tensor) -> None:
        """Takes the arguments of `AdditiveForward` that it needs."""
        self._keys, self._annotations, self._padding, self._weights = keys, annotations, padding, weights

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        scores = torch.bmm(self._keys, query[:, :, None].to(self._keys.dtype))[..., 0].to(self._weights.dtype)
        weigh(scores.masked_fill_(self._padding, float("-inf")), self._annotations, self._weights[t], context)


class DotBackward:
    """The backward pass; an `AttentionBackward`."""

    def __init__(self, keys: Tensor, annotations: Tensor, weights: Tensor, queries: Tensor) -> None:
        """Takes the arguments of `DotForward`, which has filled the weights for `queries` (T, B, A)."""
        self._keys, self._annotations, self._weights, self._queries = keys, annotations, weights, queries
        self._score_gradients = torch.empty_like(weights)

    def backward(
        self, t: int, context_gradient: Tensor, query_gradient: Tensor, weights_gradient: Tensor | None
    ) -> None:
        scores = self._score_gradients[t]
        weigh_back(context_gradient, self._annotations, self._weights[t], scores, weights_gradient)
        gradient = self._score_gradients[t, :, None].to(self._keys.dtype)
        query_gradient.copy_(torch.bmm(gradient, self._keys)[:, 0])

    def gradients(self) -> tuple[Tensor, None]:
        queries = self._queries.transpose(0, 1).to(self._weights.dtype)
        return torch.bmm(self._score_gradients.permute(1, 2, 0), queries), None
