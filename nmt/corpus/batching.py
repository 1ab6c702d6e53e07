"""Pairs of token ids as padded arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.store import TokenPairs
from nmt.tokenization.special_tokens import SpecialPair

Ids = NDArray[np.int64]
Arrays = list[NDArray[Any]]  # of token ids without marks, one for each sentence
Sentences = Sequence[Sequence[int] | NDArray[Any]]  # the same, or lists

# Draws other token ids for the text of the pairs at some indices; see `nmt.corpus.subword_sampling`.
Resampling = Callable[[Ids, Arrays, Arrays], tuple[Arrays, Arrays]]


class Links(NamedTuple):
    """The links of a batch's tokens: each of sentence, target place and source place, (N,), all counted from 0."""

    sentences: Ids
    targets: Ids
    sources: Ids


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch of pairs, ready for the model; all arrays hold 64-bit integers."""

    indices: Ids  # (B,), the indices of the pairs in the corpus
    source: Ids  # (B, S), each sentence followed by its end mark and padding
    source_lengths: Ids  # (B,), number of source tokens, end marks included
    target_input: Ids  # (B, T), the decoder's input: a begin mark, the sentence, padding
    target_output: Ids  # (B, T), the tokens to predict: the sentence, an end mark, padding
    target_lengths: Ids  # (B,), number of target tokens, one mark included
    links: Links | None = None  # of its tokens; None where alignments are not asked for

    @property
    def target_tokens(self) -> int:
        """Number of tokens to predict: end marks included, padding excluded."""
        return int(self.target_lengths.sum())


def make_batch(
    pairs: TokenPairs,
    indices: Ids,
    special: SpecialPair,
    resample: Resampling | None = None,
    tags: Sequence[int | None] | None = None,
) -> Batch:
    """Makes a batch of the pairs at `indices`, in that order, their text tokenised anew if `resample` is given.

    With `tags`, each source begins with its tag, unless that is None.
    """
    numbers = indices.tolist()
    sources = [pairs.source(index) for index in numbers]
    targets = [pairs.target(index) for index in numbers]
    if resample is not None:
        sources, targets = resample(indices, sources, targets)
    if tags is not None:
        tagged = zip(tags, sources, strict=True)
        sources = [ids if tag is None else np.concatenate([[tag], ids]) for tag, ids in tagged]
    return pad_pairs(sources, targets, special, indices)


def with_links(batch: Batch, links: TokenPairs) -> Batch:
    """Returns a batch with the links of its tokens, of which number k of pair n joins the k-th source and target place.

    Tokens that stand before the text of a source, as the batch has it, move its links along: its end mark is linked to
    the target's.
    """
    numbers = batch.indices.tolist()
    none = [np.zeros(0, np.int64)]
    sources, targets = ([get(number) for number in numbers] for get in (links.source, links.target))
    lengths = np.fromiter(map(len, targets), np.int64, len(targets))
    sentences = np.repeat(np.arange(len(numbers)), lengths)
    ends = np.array([places[-1] for places in sources], np.int64)  # each pair's last link is that of the end marks
    moved = np.concatenate(none + sources) + (batch.source_lengths[: len(numbers)] - 1 - ends)[sentences]
    return replace(batch, links=Links(sentences, np.concatenate(none + targets), moved))


def pad_pairs(sources: Sentences, targets: Sentences, special: SpecialPair, indices: Ids | None = None) -> Batch:
    """Makes a batch of pairs of ids without marks; their `indices` count from 0 by default.

    `special` are the special tokens of source and target.
    """
    of_source, of_target = special
    source, source_lengths = pad(sources, of_source.pad, end=of_source.eos)
    target_output, target_lengths = pad(targets, of_target.pad, end=of_target.eos)
    target_input, _ = pad(targets, of_target.pad, begin=of_target.bos)
    if indices is None:
        indices = np.arange(len(sources))
    return Batch(indices, source, source_lengths, target_input, target_output, target_lengths)


def pad(sentences: Sentences, padding: int, begin: int | None = None, end: int | None = None) -> tuple[Ids, Ids]:
    """Pads sentences to the rows of an array, with a mark before or after each.

    Returns:
        The rows, (B, S), and the length of each without padding, (B,).
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
