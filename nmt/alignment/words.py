"""From attention over tokens to attention over words, and from that to an alignment.

Tokens are what the model works with; words are what a reader sees, split at white space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nmt.translation.result import SegmentAttention

Weights = NDArray[np.float64]


def word_attention(
    weights: Weights, source_words: Sequence[int], target_words: Sequence[int], shape: tuple[int, int]
) -> Weights:
    """Attention of target words over source words: columns of a word's tokens are added, rows averaged.

    What looked at the end mark of the source looked at no word; it is left out and the rest scaled to sum to 1 again.

    Args:
        weights: (T, S) attention of tokens; columns beyond `source_words` belong to the end mark.
        source_words: for each token the number of its word, ascending.
        target_words: the same, in any order; below 0 for a token of none.
        shape: how many target words and source words there are.

    Returns:
        (target words, source words), each row summing to 1; that of a word without a token is even.
    """
    by_source = np.zeros((len(target_words), shape[1]))
    words, begins = np.unique(source_words, return_index=True)  # the words of tokens never fall
    by_source[:, words] = np.add.reduceat(weights[: len(target_words), : len(source_words)], begins, axis=1)
    merged = np.zeros(shape)
    tokens = np.flatnonzero(np.asarray(target_words) >= 0)
    np.add.at(merged, np.asarray(target_words)[tokens], normalize_rows(by_source[tokens]))
    return normalize_rows(merged)


def words_of_parts(source_words: Sequence[Sequence[int]], count: int) -> list[range]:
    """The words of a line that are shown with each of its parts, so that none is left out.

    A word of which the tokenizer left nothing belongs to the part that it stands in or behind, or before the first. A
    word that was cut belongs to two.

    Args:
        source_words: of each part, for each of its tokens the number of its word.
        count: how many words the line has.
    """
    starts = [0, *(words[0] for words in source_words[1:]), count]
    return [
        range(start, max(stop, words[-1] + 1))
        for (start, stop), words in zip(pairwise(starts), source_words, strict=False)
    ]


def word_blocks(parts: Sequence[SegmentAttention]) -> Iterator[tuple[int, int, Weights]]:
    """The attention of words part by part, which for a long line is far less than all of it: first target word, first
    source word, (target words, source words), rows summing to 1. A part without a target word is left out."""
    for part in parts:
        if not part.words:
            continue
        target, source = part.words.start, part.source_words[0]
        shape = len(part.words), part.source_words[-1] - source + 1
        source_words = [word - source for word in part.source_words]
        tokens = [*range(len(part.target_words)), *(token for token, _ in part.further_words)]
        words = [*part.target_words, *(word for _, word in part.further_words)]
        target_words = [word - target if word >= 0 else -1 for word in words]
        yield target, source, word_attention(part.weights[tokens].astype(float), source_words, target_words, shape)


def normalize_rows(weights: Weights) -> Weights:
    """Rows scaled to sum to 1; a row without any weight becomes even."""
    totals = weights.sum(axis=1, keepdims=True)
    even = np.full_like(weights, 1 / max(1, weights.shape[1]))
    return np.where(totals > 0, weights / np.where(totals > 0, totals, 1), even)


def hard_alignment(weights: Weights) -> list[tuple[int, int]]:
    """For each target word the source word it looked at most, as (source, target), ordered by source then target."""
    return sorted((int(source), target) for target, source in enumerate(weights.argmax(axis=1)))


def pharaoh(alignment: Sequence[tuple[int, int]]) -> str:
    """An alignment as `0-0 1-2`: source-target, counted from 0."""
    return " ".join(f"{source}-{target}" for source, target in alignment)
