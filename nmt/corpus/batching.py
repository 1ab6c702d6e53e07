"""Pairs of token ids as padded arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nmt.tokenization.special_tokens import SpecialPair

Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some pairs, ready for the model; all arrays hold 64-bit integers.

    Attributes:
        indices: (B,), which pairs of the corpus they are.
        source: (B, S), each sentence followed by its end mark and padding.
        source_lengths: (B,), source tokens, end marks in.
        target_input: (B, T), what the decoder reads: a begin mark, the sentence, padding.
        target_output: (B, T), what it is to write: the sentence, an end mark, padding.
        target_lengths: (B,), target tokens, one mark in.
    """

    indices: Ids
    source: Ids
    source_lengths: Ids
    target_input: Ids
    target_output: Ids
    target_lengths: Ids

    @property
    def target_tokens(self) -> int:
        """Tokens the model is to predict: end marks in, padding out."""
        return int(self.target_lengths.sum())


class IndexedPairs(Protocol):
    """Pairs of token ids without marks, by number."""

    def source(self, index: int) -> NDArray[Any]: ...

    def target(self, index: int) -> NDArray[Any]: ...


class Resampling(Protocol):
    """Other token ids for the same text; see `nmt.corpus.subword_sampling`."""

    def __call__(
        self, indices: Ids, sources: list[NDArray[Any]], targets: list[NDArray[Any]]
    ) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]: ...


def make_batch(pairs: IndexedPairs, indices: Ids, special: SpecialPair, resample: Resampling | None = None) -> Batch:
    """The batch of some pairs, in the order of `indices`, their text tokenised anew where `resample` is given."""
    numbers = indices.tolist()
    sources = [pairs.source(index) for index in numbers]
    targets = [pairs.target(index) for index in numbers]
    if resample is not None:
        sources, targets = resample(indices, sources, targets)
    return pad_pairs(sources, targets, special, indices)


def pad_pairs(
    sources: Sequence[Sequence[int] | NDArray[Any]],
    targets: Sequence[Sequence[int] | NDArray[Any]],
    special: SpecialPair,
    indices: Ids | None = None,
) -> Batch:
    """Makes a batch of the pairs given, ids without marks; numbered from 0 unless `indices` says otherwise.

    `special` are the special tokens of source and target.
    """
    of_source, of_target = special
    source, source_lengths = pad(sources, of_source.pad, end=of_source.eos)
    target_output, target_lengths = pad(targets, of_target.pad, end=of_target.eos)
    target_input, _ = pad(targets, of_target.pad, begin=of_target.bos)
    if indices is None:
        indices = np.arange(len(sources))
    return Batch(indices, source, source_lengths, target_input, target_output, target_lengths)


def pad(
    sentences: Sequence[Sequence[int] | NDArray[Any]], padding: int, begin: int | None = None, end: int | None = None
) -> tuple[Ids, Ids]:
    """Sentences as the rows of an array, with a mark before or after each.

    Returns:
        The rows, (B, S), and how much of each is no padding, (B,).
    """
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    longest, first, marks = int(lengths.max(initial=0)), int(begin is not None), (begin is not None) + (end is not None)
    rows = np.full((len(sentences), longest + marks), padding, np.int64)
    if len(sentences):
        content = np.concatenate([np.asarray(sentence, np.int64) for sentence in sentences])
        rows[:, first : first + longest][np.arange(longest) < lengths[:, np.newaxis]] = content
    if begin is not None:
        rows[:, 0] = begin
    if end is not None:
        rows[np.arange(len(sentences)), first + lengths] = end
    return rows, lengths + marks
