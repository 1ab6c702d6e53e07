"""Additive attention at each step of the loop over a target, in torch's own operations.

It works in tiles that stay within a processor's cache; a GPU takes a batch as a whole.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.model.kernels.matmul import accurate, outside_autocast
from nmt.model.kernels.tanh import half_tanh_
from nmt.model.kernels.tiling import tiles


def additive_scores(query: Tensor, keys: Tensor, energy: Tensor) -> Tensor:
    """energy · tanh(query + key) for each query and key, (B, K, A) and (B, S, A) -> (B, K, S), without gradient.

    Computed as tanh(x) = 2 sigmoid(2x) - 1, with the largest tensor of a step, (B, K, S, A), in tiles.
    """
    doubled_query, doubled_energy = 2 * query[:, :, None], 2 * energy
    with outside_autocast(query.device):
        scores = [
            torch.matmul(torch.add(doubled_query[tile], keys[tile, None], alpha=2).sigmoid_(), doubled_energy)
            for tile in tiles(len(keys), query.shape[1] * keys.shape[1] * keys.shape[2], keys.device)
        ]
        return (scores[0] if len(scores) == 1 else torch.cat(scores)).sub_(energy.sum())


class AdditiveForward:
    """The forward pass; see `nmt.model.kernels.interface.Kernels.additive_forward`."""

    def __init__(
        self, keys: Tensor, annotations: Tensor, padding: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> None:
        """Fills `weights` (T, B, S) and `tanhs` (T, B, S, A), tanh(query + key) / 2; the latter has T = 0 where no
        gradient is wanted."""
        keys = accurate(keys)
        self._keys, self._annotations, self._padding = keys, annotations, padding
        self._doubled_energy = 2 * energy
        self._weights, self._tanhs = weights, tanhs
        batch, source, attention_size = keys.shape
        self._saves = len(tanhs) > 0
        self._tiles = tiles(batch, source * attention_size, keys.device)
        in_place = self._saves and tanhs.dtype == keys.dtype
        self._scratch = None if in_place else keys.new_empty(self._tiles[0].stop, source, attention_size)
        self._scores = keys.new_empty(batch, source)

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        """Step `t`: the query (B, A) -> fills the context (B, C)."""
        doubled_query, scores = 2 * query.to(self._keys.dtype), self._scores
        for tile in self._tiles:
            some = self._tanhs[t, tile] if self._scratch is None else self._scratch[: tile.stop - tile.start]
            half_tanh_(torch.add(doubled_query[tile, None], self._keys[tile], alpha=2, out=some))
            torch.mv(some.view(-1, some.shape[-1]), self._doubled_energy, out=scores[tile].view(-1))
            if self._saves and self._scratch is not None:
                self._tanhs[t, tile] = some
        weigh(scores.masked_fill_(self._padding, float("-inf")), self._annotations, self._weights[t], context)


def weigh(scores: Tensor, annotations: Tensor, weights: Tensor, context: Tensor) -> None:
    """Scores (B, S), -inf at padding, and annotations (B, S, C) -> fills the weights (B, S) and the context (B, C)."""
    torch.softmax(scores, -1, out=weights)
    context.copy_(torch.bmm(weights[:, None].to(annotations.dtype), annotations)[:, 0])


def weigh_back(context_gradient: Tensor, annotations: Tensor, weights: Tensor, score_gradient: Tensor) -> None:
    """The gradient of `weigh`: that of the context (B, C) -> fills that of the scores (B, S)."""
    given = context_gradient[:, None].to(annotations.dtype)
    weighted = weights * torch.bmm(given, annotations.transpose(1, 2))[:, 0]
    torch.addcmul(weighted, weights, weighted.sum(-1, keepdim=True), value=-1, out=score_gradient)


class AdditiveBackward:
    """The backward pass; see `nmt.model.kernels.interface.Kernels.additive_backward`.

    tanh' = 1 - tanh², so the gradients of query and key are sums of score · (1 - tanh²) · energy. `_squares` and
    `_query_squares` collect score · tanh² / 4; what is common to all steps is left until after the loop. A query's sum
    over `score` alone is 0, as softmax's gradients always are.
    """

    def __init__(self, annotations: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor) -> None:
        """As for `AdditiveForward`, which has filled the latter two."""
        self._annotations, self._energy, self._weights, self._tanhs = annotations, energy, weights, tanhs
        _, batch, source, attention_size = tanhs.shape
        self._score_gradients = torch.empty_like(weights)
        self._squares = weights.new_zeros(batch, source, attention_size)
        self._query_squares = weights.new_empty(batch, 1, attention_size)
        self._energy_gradient = torch.zeros_like(energy)
        self._tiles = tiles(batch, source * attention_size, weights.device)
        self._scratch = weights.new_empty(self._tiles[0].stop, source, attention_size)

    def backward(self, t: int, context_gradient: Tensor, query_gradient: Tensor) -> None:
        """Step `t`: the gradient of the context (B, C) -> fills that of the query (B, A)."""
        weigh_back(context_gradient, self._annotations, self._weights[t], self._score_gradients[t])
        for tile in self._tiles:
            some, score_gradient = self._scratch[: tile.stop - tile.start], self._score_gradients[t, tile]
            tanhs = self._tanhs[t, tile]
            if tanhs.dtype != some.dtype:
                tanhs = some.copy_(tanhs)
            self._energy_gradient.addmv_(tanhs.view(-1, tanhs.shape[-1]).t(), score_gradient.reshape(-1))
            torch.mul(tanhs, tanhs, out=some)
            torch.bmm(score_gradient[:, None], some, out=self._query_squares[tile])
            self._squares[tile].addcmul_(some, score_gradient[:, :, None])
        torch.mul(self._query_squares[:, 0], -4 * self._energy, out=query_gradient)

    def gradients(self) -> tuple[Tensor, Tensor]:
        """After the last step: the gradients of keys (B, S, A) and energy (A,)."""
        totals = self._score_gradients.sum(0)[:, :, None]
        keys_gradient = torch.sub(totals, self._squares, alpha=4, out=self._squares).mul_(self._energy)
        return keys_gradient, 2 * self._energy_gradient
