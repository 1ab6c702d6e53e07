"""Confidence in a translation: its probability, and warnings that its attention and its text give.

Attention is summed over the tokens of the translation. A source word that received next to none was probably not
translated (Tu et al. 2016, arXiv:1601.04811, call it under-translation), one that received far more than its share
was probably translated too often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nmt.postprocessing.attention import attention_received
from nmt.postprocessing.editing import word_spans
from nmt.postprocessing.missing_sentences import missing_sentences
from nmt.postprocessing.repetition import repeated_letters, repeated_words
from nmt.translation.result import Confidence, Output, TranslationWarning

LEAST_ATTENTION = 0.1
"""Attention, summed over all tokens of the translation, below which a source word counts as unattended."""

MOST_ATTENTION = 3.0
"""Multiple of the mean attention of a token above which, per token, a source word counts as overattended."""

LEAST_PROBABILITY = 0.15
"""Probability of a translation below which the terms that a glossary put in hardly fit it.

With terms of which the model knows the words, 3 of 100 translations that change by them are less probable, with terms
of words that it has not seen, 80 (a model of `configs/multi30k_en_fr.yaml`) to 97 (that of the quick start).
"""


def confidence(source: str, output: Output, missing: Sequence[int] = ()) -> Confidence:
    """Computes the probability of an output, and the reasons to doubt it.

    - `unattended`: source words with a letter or digit that received no attention.
    - `overattended`: source words that received far more attention than the others.
    - `missing_sentence`: source words of sentences that the output seems to leave out.
    - `repetition`: words of the output that are repeated at once, or hold such letters, more often than in the source.
    - `cut`: the limit of the length ended the translation, or a segment of it.
    - `not_copied`: source words with a number, address or tag that is not in the translation.
    - `missed_term`: source words of terms of the glossary whose translations are not in the output.
    - `unlikely_term`: source words of those that are, if the output is so improbable that they hardly fit it.

    The output's attention is that of its text as it stands; `missing` are the source words of `not_copied`.
    """
    return Confidence(output.probability, tuple(_warnings(source, output, missing)))


def _warnings(source: str, output: Output, missing: Sequence[int]) -> Iterator[TranslationWarning]:
    words = source.split()
    if output.segments:
        attention, tokens = attention_received(output.segments, len(words))
        named = np.array([any(map(str.isalnum, word)) for word in words])
        if (few := np.flatnonzero(named & (attention < LEAST_ATTENTION))).size:
            yield TranslationWarning("unattended", source_words=tuple(few.tolist()))
        mean = attention.sum() / max(1, tokens.sum())
        if (many := np.flatnonzero(attention > MOST_ATTENTION * mean * np.maximum(tokens, 1))).size:
            yield TranslationWarning("overattended", source_words=tuple(many.tolist()))
    if (lost := missing_sentences(source, output)) is not None:
        yield TranslationWarning("missing_sentence", source_words=lost)
    if repeated := _repeated(source, words, output.text):
        yield TranslationWarning("repetition", target_words=repeated)
    if output.is_cut:
        yield TranslationWarning("cut")
    if missing:
        yield TranslationWarning("not_copied", source_words=tuple(missing))
    missed = {word for term in output.annotations.terms or () if not term.met for word in term.words}
    if missed:
        yield TranslationWarning("missed_term", source_words=tuple(sorted(missed)))
    if unlikely := unlikely_terms(output):
        yield TranslationWarning("unlikely_term", source_words=unlikely)


def unlikely_terms(output: Output) -> tuple[int, ...]:
    """Returns the source words of the terms in an output that hardly fit it; none if they do."""
    if output.probability >= LEAST_PROBABILITY:
        return ()
    return tuple(sorted({word for term in output.annotations.terms or () if term.met for word in term.words}))


def _repeated(source: str, words: Sequence[str], text: str) -> tuple[int, ...]:
    """Finds the words of the text that repeat something more often than anything is repeated in the source."""
    found: set[int] = set()
    most = max((times for _, _, times in repeated_words(words)), default=1)
    for first, last, times in repeated_words(text.split()):
        if times > most:
            found.update(range(first, last + 1))
    most, spans = max((times for _, times in repeated_letters(source)), default=1), word_spans(text)
    found |= {spans.word_at(start) for start, times in repeated_letters(text) if times > most}
    return tuple(sorted(found))
