"""A model that is a table: the logits after a prefix are a function of the whole prefix and of the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.search.hypothesis import Step
from search_cases import BOS, EOS


@lru_cache(maxsize=200_000)
def _drawn(kind: int, sentence: int, prefix: tuple[int, ...], size: int) -> np.ndarray:
    return np.random.default_rng([kind, sentence, *prefix]).normal(size=size)


@dataclass(frozen=True)
class TableState:
    """Carries every hypothesis's whole prefix, so that a wrong selection changes all that follows."""

    sentences: Tensor  # (B,)
    prefixes: Tensor  # (B, K, T)

    def select(self, sentences: Tensor | None, hypotheses: Tensor) -> Self:
        kept = self if sentences is None else TableState(self.sentences[sentences], self.prefixes[sentences])
        index = hypotheses[..., None].expand(-1, -1, kept.prefixes.size(-1))
        return TableState(kept.sentences, kept.prefixes.gather(1, index))


@dataclass
class Table:
    vocabulary: int
    scale: float = 2.0
    end_bias: float = 0.0
    dtype: torch.dtype = torch.float32
    round_to: float | None = None  # makes ties
    source_lengths: dict[int, int] = field(default_factory=dict)
    batches: list[list[int]] = field(default_factory=list)  # the sentences of each call

    def logits(self, sentence: int, prefix: tuple[int, ...]) -> np.ndarray:
        values = self.scale * _drawn(0, sentence, prefix, self.vocabulary)
        values[EOS] += self.end_bias
        if self.round_to is not None:
            values = np.round(values / self.round_to) * self.round_to
        return torch.from_numpy(values).to(self.dtype).double().numpy()

    def log_probabilities(self, sentence: int, prefix: tuple[int, ...]) -> np.ndarray:
        logits = self.logits(sentence, prefix)
        return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()

    def attention(self, sentence: int, prefix: tuple[int, ...]) -> np.ndarray:
        weights = np.exp(2 * _drawn(1, sentence, prefix, self.source_lengths[sentence]))
        return weights / weights.sum()

    def state(self, sentences: Sequence[int]) -> TableState:
        return TableState(torch.tensor(sentences), torch.empty(len(sentences), 1, 0, dtype=torch.int64))

    def step(self, tokens: Tensor, state: TableState) -> Step[TableState]:
        assert tokens.shape == state.prefixes.shape[:2]
        names = state.sentences.tolist()
        self.batches.append(names)
        prefixes = torch.cat([state.prefixes, tokens[..., None]], dim=-1)
        assert (prefixes[..., 0] == BOS).all()
        pairs = [
            (name, tuple(prefix[1:])) for name, row in zip(names, prefixes.tolist(), strict=True) for prefix in row
        ]
        logits = np.array([self.logits(*pair) for pair in pairs]).reshape(*tokens.shape, -1)
        attention = None
        if self.source_lengths:
            width = max(self.source_lengths[name] for name in names)
            rows = [np.pad(weights, (0, width - len(weights))) for weights in (self.attention(*pair) for pair in pairs)]
            attention = torch.from_numpy(np.array(rows)).float().view(*tokens.shape, -1)
        return Step(torch.from_numpy(logits).to(self.dtype), TableState(state.sentences, prefixes), attention)


@pytest.fixture(scope="session")
def make_table() -> type[Table]:
    return Table
