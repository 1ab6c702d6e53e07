"""How far a translation may be trusted: its probability, and reasons for doubt that its attention and its text give.

Attention is added up over the tokens of the translation: what a source word got in all. A word that nothing looked at
was probably not translated (Tu et al. 2016, arXiv:1601.04811, call it under-translation), one that drew far more than
its share probably too often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nmt.postprocessing.editing import word_spans
from nmt.postprocessing.repetition import repeated_letters, repeated_words
from nmt.translation.result import Confidence, Output, SegmentAttention, TranslationWarning

LEAST_ATTENTION = 0.1
"""Below it, summed over all tokens of the translation, a source word counts as one that nothing looked at."""

MOST_ATTENTION = 3.0
"""From so many times the mean on, over its tokens, a source word counts as one that was looked at far too often."""


def confidence(source: str, output: Output, missing: Sequence[int] = ()) -> Confidence:
    """The probability of an output, and the reasons to doubt it.

    - `unattended`: source words with a letter or digit that nothing looked at.
    - `overattended`: source words that were looked at far more than the others.
    - `repetition`: words of the output that are repeated at once, or hold such letters, more often than in the source.
    - `cut`: the limit of the length ended the translation, or a part of it.
    - `not_copied`: source words with a number, address or tag that is not in the translation.

    Args:
        source: the line.
        output: one of its translations; its attention is that of the text as it stands.
        missing: what could not be copied (see `nmt.postprocessing.copying`).
    """
    return Confidence(output.probability, tuple(_flags(source, output, missing)))


def _flags(source: str, output: Output, missing: Sequence[int]) -> Iterator[TranslationWarning]:
    words = source.split()
    if output.parts:
        attention, tokens = attention_received(output.parts, len(words))
        named = np.array([any(map(str.isalnum, word)) for word in words])
        if (few := np.flatnonzero(named & (attention < LEAST_ATTENTION))).size:
            yield TranslationWarning("unattended", source_words=tuple(few.tolist()))
        mean = attention.sum() / max(1, tokens.sum())
        if (many := np.flatnonzero(attention > MOST_ATTENTION * mean * np.maximum(tokens, 1))).size:
            yield TranslationWarning("overattended", source_words=tuple(many.tolist()))
    if repeated := _repeated(source, words, output.text):
        yield TranslationWarning("repetition", target_words=repeated)
    if output.is_cut:
        yield TranslationWarning("cut")
    if missing:
        yield TranslationWarning("not_copied", source_words=tuple(missing))


def attention_received(parts: Sequence[SegmentAttention], words: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What each source word got from all tokens of a translation, and how many tokens it has."""
    attention, tokens = np.zeros(words), np.zeros(words, dtype=np.int64)
    for part in parts:
        columns = np.array(part.source_words)
        np.add.at(attention, columns, part.weights[:, :-1].sum(axis=0, dtype=np.float64))
        np.add.at(tokens, columns, 1)
    return attention, tokens


def _repeated(source: str, words: Sequence[str], text: str) -> tuple[int, ...]:
    """The words of the text that repeat something more often than anything is repeated in the source."""
    found: set[int] = set()
    most = max((times for _, _, times in repeated_words(words)), default=1)
    for first, last, times in repeated_words(text.split()):
        if times > most:
            found.update(range(first, last + 1))
    most, spans = max((times for _, times in repeated_letters(source)), default=1), word_spans(text)
    found |= {spans.word_at(place) for place, times in repeated_letters(text) if times > most}
    return tuple(sorted(found))
