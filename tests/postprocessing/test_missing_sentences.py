"""Sentences of a line that its translation leaves out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nmt.postprocessing.confidence import confidence
from nmt.postprocessing.missing_sentences import missing_sentences
from nmt.translation.result import Output, SegmentAttention

SOURCE = "Tom is here. He has two dogs. They sleep now."  # words 0-2, 3-6, 7-9
ALL = "Tom est ici. Il a deux chiens. Ils dorment."


def attended(
    text: str, columns: Sequence[int], first: int = 0, words: range | None = None, count: int = 10
) -> SegmentAttention:
    """A segment of a token a word, in which each word of the text attends to one word of the source."""
    weights = np.full((len(columns), count + 1), 0.001, np.float32)
    for row, column in enumerate(columns):
        weights[row, column - first] = 1 - 0.001 * count
    words = words or range(len(text.split()))
    return SegmentAttention(weights, tuple(range(first, first + count)), tuple(words), words)


def output(text: str, *segments: SegmentAttention) -> Output:
    return Output(text, -1.0, -1.0, tuple(text.split()), segments or None)


def test_a_translation_of_all_sentences_misses_none() -> None:
    assert missing_sentences(SOURCE, output(ALL, attended(ALL, range(9)))) is None


def test_a_sentence_that_nobody_attended_to_is_missing() -> None:
    text = "Tom est ici. Ils dorment ici. Bon."
    assert missing_sentences(SOURCE, output(text, attended(text, [0, 1, 2, 7, 8, 9, 9]))) == (3, 4, 5, 6)


def test_of_fewer_sentences_the_least_attended_is_missing() -> None:
    text = "Tom est ici et a deux chiens qui dorment."
    assert missing_sentences(SOURCE, output(text, attended(text, [0, 1, 2, 3, 4, 5, 6, 7, 8]))) is not None
    assert missing_sentences(SOURCE, output("Tom est ici.")) == ()  # without attention, no words are named


@pytest.mark.parametrize("source", ["Tom is here.", "Mr. Smith has two dogs.", "a b c d e f g h i j"])
def test_one_sentence_is_never_missing(source: str) -> None:
    assert missing_sentences(source, output("Tom.", attended("Tom.", [0], count=len(source.split())))) is None


def test_a_sentence_that_was_translated_alone_is_not_missing() -> None:
    text = "Tom est ici. Il dort"
    first = attended("Tom est ici.", [0, 1, 2], count=3)
    second = attended("Il dort", [3, 4], 3, range(3, 5), count=7)
    assert missing_sentences("Tom is here. He has two dogs that sleep now.", output(text, first, second)) is None


def test_where_no_sentence_ends_in_the_target_nothing_is_said() -> None:
    assert missing_sentences("你好吗？我很好。", output("สวัสดี")) is None
    assert missing_sentences("你好吗？我很好。", output("How are you?")) == ()
    assert missing_sentences("你好吗？我很好。", output("How are you? Well.")) is None


def test_the_confidence_flags_it() -> None:
    text = "Tom est ici."
    found = confidence(SOURCE, output(text, attended(text, [0, 1, 2])))
    [flag] = [warning for warning in found.warnings if warning.kind == "missing_sentence"]
    assert flag.source_words == (3, 4, 5, 6, 7, 8, 9)
