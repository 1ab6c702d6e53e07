"""Shortlists: the few hundred target tokens that a sentence may be translated to.

A table, made from the training corpus, names the most probable translations of each source token. They, the most
frequent target tokens and the special tokens are a sentence's candidates, whatever sentences are translated beside it
(Jean et al. 2015, arXiv:1412.2007, section 3.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.corpus.batching import pad
from nmt.errors import ModelError
from nmt.search.hypothesis import Hypothesis
from nmt.tokenization.special_tokens import SpecialTokens

TRANSLATIONS = "translations"
FREQUENT = "frequent"


@dataclass(frozen=True, eq=False)
class Shortlist:
    """A model's table of probable translations, from which the candidates of a sentence are taken."""

    translations: NDArray[np.int32]  # (source vocabulary, N), target tokens, the most probable first; -1 for none
    frequent: NDArray[np.int32]  # (F,), the most frequent target tokens

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], source_size: int, target_size: int, where: Path) -> Self:
        """Makes the table from the tensors of the file `where`.

        Raises ModelError if they are not a table, or not one for vocabularies of these sizes.
        """
        if tensors.keys() != {TRANSLATIONS, FREQUENT}:
            names = ", ".join(f"{name:.40}" for name in sorted(tensors)[:3]) or "nothing"
            raise ModelError(str(where), f"holds {names}; expected {TRANSLATIONS} and {FREQUENT}")
        for name, dimensions, lowest in ((TRANSLATIONS, 2, -1), (FREQUENT, 1, 0)):
            tensor = tensors[name]
            if tensor.dtype != torch.int32 or tensor.dim() != dimensions:
                what = f"{name} is {list(tensor.shape)} {tensor.dtype}; expected {dimensions} dimensions of int32"
                raise ModelError(str(where), what)
            if tensor.numel() and not lowest <= int(tensor.min()) <= int(tensor.max()) < target_size:
                raise ModelError(str(where), f"{name} holds what is no token: expected {lowest} to {target_size - 1}")
        if len(tensors[TRANSLATIONS]) != source_size:
            what = f"{TRANSLATIONS} is for {len(tensors[TRANSLATIONS])} source tokens; expected {source_size}"
            raise ModelError(str(where), what)
        return cls(tensors[TRANSLATIONS].numpy(), tensors[FREQUENT].numpy())

    def tensors(self) -> dict[str, Tensor]:
        """Returns the arguments of `from_tensors`."""
        return {TRANSLATIONS: torch.from_numpy(self.translations), FREQUENT: torch.from_numpy(self.frequent)}

    def candidates(self, source: Sequence[int], others: Sequence[int], count: int) -> NDArray[np.int64]:
        """Returns the candidates of a sentence, ascending: `count` of each source token, the frequent and `others`."""
        translations = self.translations[source, :count].ravel()
        tokens = np.unique(np.concatenate([translations, self.frequent, np.asarray(others, np.int64)]))
        return tokens[tokens >= 0]


@dataclass(frozen=True, eq=False)
class RestrictedVocabularies:
    """Vocabularies of candidates, one for each sentence of a batch; `C` tokens a sentence.

    The special tokens stand at the beginning, at the same places for all sentences. In the tokenizers of this program
    they have the lowest ids of the whole vocabulary, too, so that tokens keep their order, which decides between equal
    scores.
    """

    tokens: NDArray[np.int64]  # (B, C), ids of the whole vocabulary; padding after the last of a sentence
    lengths: NDArray[np.int64]  # (B,), number of tokens of each sentence
    special: SpecialTokens  # in the restricted vocabularies

    @classmethod
    def from_candidates(cls, candidates: Sequence[NDArray[np.int64]], special: SpecialTokens) -> Self:
        """Makes the vocabularies of a batch; `special` are the special tokens of the whole vocabulary."""
        marks = special[:4]  # no candidate is a tag
        first = np.unique(marks)
        rows = [np.concatenate([first, tokens[~np.isin(tokens, first)]]) for tokens in candidates]
        return cls(*pad(rows, special.pad), SpecialTokens(*np.searchsorted(first, marks).tolist()))

    def restricted(self, prefixes: Sequence[Sequence[int]]) -> list[list[int]]:
        """Maps tokens of each sentence, which are among its candidates, to ids of its restricted vocabulary."""
        rows = zip(self.tokens, self.lengths.tolist(), strict=True)
        place = [dict(zip(row[:length].tolist(), range(length), strict=True)) for row, length in rows]
        return [[places[token] for token in prefix] for places, prefix in zip(place, prefixes, strict=True)]

    def whole(self, hypotheses: Sequence[Sequence[Hypothesis]]) -> list[list[Hypothesis]]:
        """Maps the tokens of each sentence's hypotheses to ids of the whole vocabulary."""
        return [
            [replace(one, tokens=tuple(row[list(one.tokens)].tolist())) for one in of_sentence]
            for row, of_sentence in zip(self.tokens, hypotheses, strict=True)
        ]
