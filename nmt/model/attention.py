"""Attention: at each step the decoder scores all annotations of a sentence and takes their weighted sum.

`additive` is Bahdanau, Cho and Bengio (2015, arXiv:1409.0473); `general` and `dot` are Luong, Pham and Manning
(2015, arXiv:1508.04025) and replace only the score. `none` is the traditional encoder-decoder: one fixed vector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from nmt.model.kernels.additive_attention import additive_scores
from nmt.model.kernels.dispatch import search_kernels
from nmt.model.kernels.matmul import accurate, linear, outside_autocast, product


class Memory(NamedTuple):
    """The encoded source, which is fixed for a sentence while it is translated."""

    annotations: Tensor  # (B, S, C): the encoder's hidden state at each source token
    keys: Tensor  # (B, S, A): projected annotations, compared with the query; (B, S, 0) without attention
    mask: Tensor  # (B, S) bool: True at tokens, False at padding
    summary: Tensor  # (B, C): the encoder's last states [forward at the end; backward at the start]

    def select(self, sentences: Tensor) -> Self:
        """Selects `sentences` (B',) of the batch."""
        return type(self)(*(part.index_select(0, sentences) for part in self))


class Attention(nn.Module, ABC):
    """An attention mechanism: makes the context that the decoder reads at a step."""

    kind: ClassVar[str]
    """Its name in a configuration: additive, general, dot or none."""

    @abstractmethod
    def keys(self, annotations: Tensor) -> Tensor:
        """Computes the keys, which are compared with each query, (B, S, C) -> (B, S, ·); once a sentence."""

    @abstractmethod
    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Returns the context, (B, K, C), and the weights that made it, (B, K, S), for queries (B, K, H)."""


class ScoredAttention(Attention):
    """Attention as the weighted sum of all annotations; the subclasses differ in the score alone."""

    @abstractmethod
    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores each annotation for each query, before softmax: (B, K, H) and (B, S, ·) -> (B, K, S)."""

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Returns the context, (B, K, C), and its weights, (B, K, S): rows sum to 1, padding is exactly 0."""
        weights = masked_softmax(self.scores(query, memory.keys), memory.mask[:, None])
        return torch.matmul(weights.to(memory.annotations.dtype), memory.annotations), weights


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Computes softmax over the last dimension in float32 or better, exactly 0 where `mask` is False."""
    return accurate(scores).masked_fill(~mask, float("-inf")).softmax(-1)


class AdditiveAttention(ScoredAttention):
    """Additive attention: score = vᵀ tanh(W_a s + U_a h) (Bahdanau et al. 2015, appendix A.1.2)."""

    kind = "additive"

    def __init__(self, query_size: int, annotation_size: int, attention_size: int) -> None:
        super().__init__()
        self.query_projection = nn.Linear(query_size, attention_size, bias=False)
        self.key_projection = nn.Linear(annotation_size, attention_size)
        self.energy = nn.Linear(attention_size, 1, bias=False)  # v

    def keys(self, annotations: Tensor) -> Tensor:
        keys = linear(annotations, self.key_projection.weight, self.key_projection.bias)
        return keys if search_kernels(annotations) is not None else accurate(keys)

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        kernels = search_kernels(memory.annotations)
        if kernels is None:
            return super().forward(query, memory)
        projected = product(query, self.query_projection.weight)
        return kernels.additive_attention(
            projected, memory.keys, memory.annotations, memory.mask, self.energy.weight[0]
        )

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        query = accurate(product(query, self.query_projection.weight))
        energy = self.energy.weight[0]
        if not torch.is_grad_enabled():
            return additive_scores(query, keys, energy)  # the same, faster; so is training's, in `attention_loop`
        with outside_autocast(query.device):
            return torch.matmul((keys[:, None] + query[:, :, None]).tanh_(), energy)  # (B, K, S, A) · (A,)


class ProductAttention(ScoredAttention):
    """Multiplicative attention: score = sᵀ k, the product of query and key; the subclasses differ in the key."""

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        return torch.matmul(query.to(keys.dtype), keys.transpose(1, 2))


class GeneralAttention(ProductAttention):
    """General attention: score = sᵀ W h (Luong et al. 2015, equation 8); W is applied once a sentence."""

    kind = "general"

    def __init__(self, query_size: int, annotation_size: int) -> None:
        super().__init__()
        self.key_projection = nn.Linear(annotation_size, query_size, bias=False)

    def keys(self, annotations: Tensor) -> Tensor:
        keys: Tensor = self.key_projection(annotations)
        return keys


class DotAttention(ProductAttention):
    """Dot attention: score = sᵀ h (Luong et al. 2015, equation 8).

    Raises ValueError if the sizes of query and annotation differ.
    """

    kind = "dot"

    def __init__(self, query_size: int, annotation_size: int) -> None:
        super().__init__()
        if query_size != annotation_size:
            raise ValueError(f"dot attention compares vectors of one size, not {query_size} and {annotation_size}")

    def keys(self, annotations: Tensor) -> Tensor:
        return annotations


class NoAttention(Attention):
    """The traditional encoder-decoder: every context is the encoder's last states, and there are no weights."""

    kind = "none"

    def keys(self, annotations: Tensor) -> Tensor:
        return annotations[..., :0]

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Returns the summary for each query, (B, K, C), and no weights, (B, K, 0)."""
        context = memory.summary[:, None].expand(-1, query.shape[1], -1)
        return context, query.new_zeros(*query.shape[:2], 0)


def make_attention(kind: str, query_size: int, annotation_size: int, attention_size: int) -> Attention:
    """Makes the attention of a `kind`: additive, general, dot or none; raises ValueError for another."""
    if kind == "additive":
        return AdditiveAttention(query_size, annotation_size, attention_size)
    if kind == "general":
        return GeneralAttention(query_size, annotation_size)
    if kind == "dot":
        return DotAttention(query_size, annotation_size)
    if kind == "none":
        return NoAttention()
    raise ValueError(f"attention is additive, general, dot or none, not {kind!r}")
