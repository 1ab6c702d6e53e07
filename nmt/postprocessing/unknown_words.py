"""Unknown words of a translation replaced by what they looked at (Luong et al. 2015, arXiv:1410.8206, section 3.3; Jean
et al. 2015, arXiv:1412.2007, section 3.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nmt.postprocessing.dictionary import Dictionary
from nmt.postprocessing.editing import Edit, Spans
from nmt.translation.result import Output, SegmentAttention

UNKNOWN = "⁇"
"""How SentencePiece writes the unknown piece, with or without spaces around it."""


class UnknownWord(NamedTuple):
    """A word of a translation that the model could not write, or not all of it.

    Attributes:
        word: its number in the text.
        start, stop: its unknown characters in the text, and the letters and digits that touch them.
        source_word: the word of the source that its unknown tokens looked at most.
        stands_for_all: it is a word of a model of words, punctuation included.
    """

    word: int
    start: int
    stop: int
    source_word: int
    stands_for_all: bool


def unknown_words(output: Output, spans: Spans) -> list[UnknownWord]:
    """The unknown words of an output in their order; none without attention."""
    return [found for part in output.parts or () if part.unknown for found in _of_part(output.text, part, spans)]


def replacements(
    unknown: Sequence[UnknownWord], source: Sequence[str], text: str, taken: Collection[int], dictionary: Dictionary
) -> list[Edit]:
    """An edit for each unknown word but those that are `taken`: its source word, or that one's translation.

    Of a word with punctuation, only what is unknown is replaced, by the source word without its own punctuation; what a
    model of words could not write is replaced as a whole. Neighbours that looked at the same source word most are one
    unknown word.
    """
    edits: list[Edit] = []
    for one in unknown:
        if one.word in taken:
            continue
        word = source[one.source_word]
        edit = Edit(one.start, one.stop, dictionary.translate(word, whole=one.stands_for_all), one.source_word)
        last = edits[-1] if edits else None
        if last and last.source_word == edit.source_word and text[last.stop : edit.start].isspace():
            edits[-1] = last._replace(stop=edit.stop)
        else:
            edits.append(edit)
    return edits


def _of_part(text: str, part: SegmentAttention, spans: Spans) -> Iterator[UnknownWord]:
    tokens_of: dict[int, list[int]] = {}
    for token in part.unknown:
        if part.target_words[token] >= 0:  # a tokenizer may write unknown words as nothing
            tokens_of.setdefault(part.target_words[token], []).append(token)
    sizes = np.bincount([word - part.words.start for word in part.target_words if word >= 0])
    columns = np.array(part.source_words) - part.source_words[0]
    for word, tokens in tokens_of.items():
        start, stop = spans.starts[word], spans.stops[word]
        first, last = text.find(UNKNOWN, start, stop), text.rfind(UNKNOWN, start, stop)
        if first < 0:  # a model that writes nothing, or something else
            continue
        last += len(UNKNOWN)
        while first > start and text[first - 1].isalnum():
            first -= 1
        while last < stop and text[last].isalnum():
            last += 1
        looked = np.bincount(columns, weights=part.weights[tokens, :-1].mean(axis=0))
        size = int(sizes[word - part.words.start])
        yield UnknownWord(word, first, last, part.source_words[0] + int(looked.argmax()), size == 1)
