"""Attention over words from attention over tokens.

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
    """Computes the attention of target words over source words: columns of a word's tokens are added, rows averaged.

    Attention to the end mark of the source goes to no word; it is left out and the rest scaled to sum to 1 again.

    Args:
        weights: (T, S) attention of tokens; columns beyond `source_words` belong to the end mark.
        source_words: for each token the number of its word, ascending.
        target_words: the same, in any order; below 0 for a token of none.
        shape: number of target words and of source words.

    Returns:
        (target words, source words), each row summing to 1; that of a word without a token is even.
    """
    by_source = np.zeros((len(target_words), shape[1]))
    words, begins = np.unique(source_words, return_index=True)  # the words of tokens never fall
    by_source[:, words] = np.add.reduceat(weights[: len(target_words), : len(source_words)], begins, axis=1)
    merged = np.zeros(shape)
    tokens = np.flatnonzero(np.asarray(target_words) >= 0)
    np.add.at(merged, np.asarray(target_words)[tokens], _normalized_rows(by_source[tokens]))
    return _normalized_rows(merged)


def words_by_segment(source_words: Sequence[Sequence[int]], count: int) -> list[range]:
    """Distributes the words of a line over its segments, with which they are shown, so that none is left out.

    A word of which the tokenizer left nothing belongs to the segment that it stands in or behind, or before the first.
    A word that was cut belongs to two.

    Args:
        source_words: of each segment, for each of its tokens the number of its word.
        count: number of words of the line.
    """
    starts = [0, *(words[0] for words in source_words[1:]), count]
    return [
        range(start, max(stop, words[-1] + 1))
        for (start, stop), words in zip(pairwise(starts), source_words, strict=False)
    ]


def word_blocks(segments: Sequence[SegmentAttention]) -> Iterator[tuple[int, int, Weights]]:
    """Computes the attention of words segment by segment, which for a long line is far less than all of it.

    Yields:
        First target word, first source word, and (target words, source words) weights, rows summing to 1. A segment
        without a target word is left out.
    """
    for segment in segments:
        if not segment.words:
            continue
        target, source = segment.words.start, segment.source_words[0]
        shape = len(segment.words), segment.source_words[-1] - source + 1
        source_words = [word - source for word in segment.source_words]
        tokens = [*range(len(segment.target_words)), *(token for token, _ in segment.further_words)]
        words = [*segment.target_words, *(word for _, word in segment.further_words)]
        target_words = [word - target if word >= 0 else -1 for word in words]
        yield target, source, word_attention(segment.weights[tokens].astype(float), source_words, target_words, shape)


def _normalized_rows(weights: Weights) -> Weights:
    """Scales rows to sum to 1; a row without any weight becomes even."""
    totals = weights.sum(axis=1, keepdims=True)
    even = np.full_like(weights, 1 / max(1, weights.shape[1]))
    return np.where(totals > 0, weights / np.where(totals > 0, totals, 1), even)
