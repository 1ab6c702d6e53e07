"""The attention of a translation as matrices with the words or tokens of their rows and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nmt.alignment.word_attention import Weights, word_blocks, words_by_segment
from nmt.translation.result import Output, Translation

END_MARK = "</s>"


class AttentionMatrix(NamedTuple):
    """The attention of target units, which are words or tokens, over source units.

    Attributes:
        source, target: the units.
        weights: (target units, source units), each row summing to 1.
    """

    source: Sequence[str]
    target: Sequence[str]
    weights: Weights


def attention_matrices(translation: Translation, output: Output, unit: str) -> Iterator[AttentionMatrix]:
    """Yields the attention of each segment of a line that has a translation; nothing without attention in the model.

    The unit is word (between white space; the end mark of the source is left out) or token (with the end mark).
    """
    return _of_tokens(translation, output) if unit == "token" else _of_words(translation, output)


def _of_words(translation: Translation, output: Output) -> Iterator[AttentionMatrix]:
    source_words, target_words = translation.source.split(), output.text.split()
    segments = output.segments or ()
    shown = words_by_segment([segment.source_words for segment in segments], len(source_words))
    shown = [words for words, segment in zip(shown, segments, strict=True) if segment.words]
    for (target, source, weights), words in zip(word_blocks(segments), shown, strict=True):
        rows, columns = weights.shape
        whole = np.pad(weights, ((0, 0), (source - words.start, words.stop - source - columns)))
        yield AttentionMatrix(source_words[words.start : words.stop], target_words[target : target + rows], whole)


def _of_tokens(translation: Translation, output: Output) -> Iterator[AttentionMatrix]:
    source = target = 0
    for segment in output.segments or ():
        sources = [*translation.source_tokens[source : source + len(segment.source_words)], END_MARK]
        targets = list(output.tokens[target : target + len(segment.target_words)])
        source, target = source + len(segment.source_words), target + len(segment.target_words)
        if targets:
            yield AttentionMatrix(sources, targets, segment.weights.astype(float))


def word_attention_rows(translation: Translation, output: Output) -> Iterator[Weights]:
    """Yields the attention of each word of the output over all words of the line, which sums to 1; none without
    attention in the model."""
    words = len(translation.source.split())
    for _, source, weights in word_blocks(output.segments or ()):
        for of_segment in weights:
            row = np.zeros(words)
            row[source : source + len(of_segment)] = of_segment
            yield row


def token_attention_rows(output: Output) -> Iterator[Weights]:
    """Yields the rows of `Output.attention`, without ever holding all of them."""
    segments = output.segments or ()
    tokens, column = sum(len(segment.source_words) for segment in segments), 0
    for segment in segments:
        columns = len(segment.source_words)
        for of_segment in segment.weights:
            row = np.zeros(tokens + 1)
            row[column : column + columns], row[-1] = of_segment[:-1], of_segment[-1]
            yield row
        column += columns
