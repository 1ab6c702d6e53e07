"""Additive attention at each step of the loop over a target, in torch's own operations.

It works in tiles that stay within a processor's cache; a GPU takes a batch as a whole.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.model.kernels.matmul import accurate, outside_autocast
from nmt.model.kernels.tanh import half_tanh_

# Numbers of a temporary on a CPU: few enough that several passes over it stay within a core's second-level cache.
TILE_NUMBERS = 1 << 18


def tiles(batch: int, numbers_of_each: int, device: torch.device) -> list[slice]:
    """Cuts the sentences of a batch, on a CPU, into tiles of at most `TILE_NUMBERS` numbers, or of one sentence."""
    size = max(1, TILE_NUMBERS // max(1, numbers_of_each) if device.type == "cpu" else batch)
    return [slice(start, min(start + size, batch)) for start in range(0, max(1, batch), size)]


def additive_scores(query: Tensor, keys: Tensor, energy: Tensor) -> Tensor:
    """Computes energy · tanh(query + key), (B, K, A) and (B, S, A) -> (B, K, S), without gradient.

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
    """The forward pass; an `AttentionForward`."""

    def __init__(
        self, keys: Tensor, annotations: Tensor, padding: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> None:
        """Takes keys (B, S, A), annotations (B, S, C), padding (B, S) bool and energy (A,), and what the steps fill.

        These are `weights` (T, B, S) and, for the backward pass, `tanhs` (T, B, S, A) with tanh(query + key) / 2;
        `tanhs` has T = 0 if no gradient is wanted.
        """
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
        doubled_query, scores = 2 * query.to(self._keys.dtype), self._scores
        for tile in self._tiles:
            tanhs = self._tanhs[t, tile] if self._scratch is None else self._scratch[: tile.stop - tile.start]
            half_tanh_(torch.add(doubled_query[tile, None], self._keys[tile], alpha=2, out=tanhs))
            torch.mv(tanhs.view(-1, tanhs.shape[-1]), self._doubled_energy, out=scores[tile].view(-1))
            if self._saves and self._scratch is not None:
                self._tanhs[t, tile] = tanhs
        weigh(scores.masked_fill_(self._padding, float("-inf")), self._annotations, self._weights[t], context)


def weigh(scores: Tensor, annotations: Tensor, weights: Tensor, context: Tensor) -> None:
    """Fills weights (B, S) and context (B, C) from scores (B, S), -inf at padding, and annotations (B, S, C)."""
    torch.softmax(scores, -1, out=weights)
    context.copy_(torch.bmm(weights[:, None].to(annotations.dtype), annotations)[:, 0])


def weigh_back(
    context_gradient: Tensor,
    annotations: Tensor,
    weights: Tensor,
    score_gradient: Tensor,
    weights_gradient: Tensor | None = None,
) -> None:
    """Fills the gradient of the scores (B, S) of `weigh` from those of the context (B, C) and the weights (B, S)."""
    gradient = torch.bmm(context_gradient[:, None].to(annotations.dtype), annotations.transpose(1, 2))[:, 0]
    if weights_gradient is not None:
        gradient = weights_gradient + gradient
    weighted = weights * gradient
    torch.addcmul(weighted, weights, weighted.sum(-1, keepdim=True), value=-1, out=score_gradient)


class AdditiveBackward:
    """The backward pass; an `AttentionBackward`.

    Since tanh' = 1 - tanh², the gradients of query and key are sums of g · (1 - tanh²) · energy, where g is the
    gradient of a score. `_squares` and `_query_squares` collect g · tanh² / 4; factors common to all steps are applied
    after the loop. For a query the sum of g alone is 0, as the gradient of softmax always sums to 0.
    """

    def __init__(self, _keys: Tensor, annotations: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor) -> None:
        """Takes the arguments of `AdditiveForward`, which has filled the latter two."""
        self._annotations, self._energy, self._weights, self._tanhs = annotations, energy, weights, tanhs
        _, batch, source, attention_size = tanhs.shape
        self._score_gradients = torch.empty_like(weights)
        self._squares = weights.new_zeros(batch, source, attention_size)
        self._query_squares = weights.new_empty(batch, 1, attention_size)
        self._energy_gradient = torch.zeros_like(energy)
        self._tiles = tiles(batch, source * attention_size, weights.device)
        self._scratch = weights.new_empty(self._tiles[0].stop, source, attention_size)

    def backward(
        self, t: int, context_gradient: Tensor, query_gradient: Tensor, weights_gradient: Tensor | None
    ) -> None:
        scores = self._score_gradients[t]
        weigh_back(context_gradient, self._annotations, self._weights[t], scores, weights_gradient)
        for tile in self._tiles:
            squares, score_gradient = self._scratch[: tile.stop - tile.start], self._score_gradients[t, tile]
            tanhs = self._tanhs[t, tile]
            if tanhs.dtype != squares.dtype:
                tanhs = squares.copy_(tanhs)
            self._energy_gradient.addmv_(tanhs.view(-1, tanhs.shape[-1]).t(), score_gradient.reshape(-1))
            torch.mul(tanhs, tanhs, out=squares)
            torch.bmm(score_gradient[:, None], squares, out=self._query_squares[tile])
            self._squares[tile].addcmul_(squares, score_gradient[:, :, None])
        torch.mul(self._query_squares[:, 0], -4 * self._energy, out=query_gradient)

    def gradients(self) -> tuple[Tensor, Tensor]:
        totals = self._score_gradients.sum(0)[:, :, None]
        keys_gradient = torch.sub(totals, self._squares, alpha=4, out=self._squares).mul_(self._energy)
        return keys_gradient, 2 * self._energy_gradient
