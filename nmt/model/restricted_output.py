"""The output product over a restricted vocabulary of each sentence's own, in place of the whole one."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import Tensor


class RestrictedOutput(NamedTuple):
    """The target tokens that each sentence may use, and their rows of the output weight; `C` tokens a sentence."""

    tokens: Tensor  # (B, C) int64, of the whole vocabulary
    missing: Tensor  # (B, 1, C) bool: True after a sentence's last token
    weight: Tensor  # (B, C, R)
    rows: Tensor | None = None  # (B',) int64, the remaining sentences of the B, ascending; None for all

    @classmethod
    def from_candidates(cls, output_weight: Tensor, tokens: Tensor, lengths: Tensor) -> Self:
        """Gathers the weight of `tokens` (B, C), of which each sentence has `lengths` (B,); any ids may follow them."""
        missing = torch.arange(tokens.shape[1], device=tokens.device) >= lengths[:, None]
        weight = output_weight.index_select(0, tokens.flatten()).unflatten(0, tokens.shape)
        return cls(tokens, missing[:, None], weight)

    def select(self, sentences: Tensor) -> Self:
        """Selects `sentences` (B'',), ascending.

        The weight is far larger than the rest of a state, and copying it costs more than the product, so it is copied
        only if half of it would be idle.
        """
        rows = sentences if self.rows is None else self.rows[sentences]
        if 2 * len(rows) > len(self.weight):
            return self._replace(rows=rows)
        return type(self)(*(part.index_select(0, rows) for part in (self.tokens, self.missing, self.weight)))

    def whole(self, tokens: Tensor) -> Tensor:
        """Maps `tokens` (B', K) of the restricted vocabularies to ids of the whole one."""
        own = self.tokens if self.rows is None else self.tokens[self.rows]
        return own.gather(1, tokens)

    def logits(self, readouts: Tensor) -> Tensor:
        """Computes logits over the restricted vocabularies, -inf for missing tokens: (B', K, R) -> (B', K, C)."""
        spread = readouts
        if self.rows is not None:
            shape = (len(self.weight), *readouts.shape[1:])
            spread = readouts.new_zeros(shape).index_copy_(0, self.rows, readouts)
        logits = torch.bmm(spread, self.weight.transpose(1, 2))
        return self.without_missing(logits if self.rows is None else logits.index_select(0, self.rows))

    def without_missing(self, logits: Tensor) -> Tensor:
        """Makes missing tokens impossible, in place: (B', K, C) -> (B', K, C), -inf for them."""
        return logits.masked_fill_(self.missing if self.rows is None else self.missing[self.rows], float("-inf"))
