"""Unknown words of a translation, replaced by the source words they attended to.

As in Luong et al. 2015, arXiv:1410.8206, section 3.3, and Jean et al. 2015, arXiv:1412.2007, section 3.3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nmt.postprocessing.dictionary import Dictionary
from nmt.postprocessing.editing import Edit, Spans
from nmt.tokenization.special_tokens import UNKNOWN
from nmt.translation.result import Output, SegmentAttention


class UnknownWord(NamedTuple):
    """A word of a translation that the model could not write, at least in part."""

    word: int  # its index in the text
    start: int  # of its unknown characters in the text, and the letters and digits that touch them
    stop: int
    source_word: int  # the word of the source that its unknown tokens attended to most
    stands_for_all: bool  # True if it comes from a word-level vocabulary, and stands for the punctuation too


def unknown_words(output: Output, spans: Spans) -> list[UnknownWord]:
    """Finds the unknown words of an output, in order, with the words of its text; none without attention."""
    segments = [segment for segment in output.segments or () if segment.unknown]
    return [found for segment in segments for found in _unknown_in_segment(output.text, segment, spans)]


def replacements(
    unknown: Sequence[UnknownWord], source: Sequence[str], text: str, taken: Collection[int], dictionary: Dictionary
) -> list[Edit]:
    """Makes the edits that replace unknown words by their source words, or by the dictionary's translations of these.

    Of a word with punctuation, only the unknown characters are replaced, by the source word without its own
    punctuation; a word that a word-level vocabulary lacks is replaced as a whole. Neighbours that attended most to the
    same source word are one unknown word.

    Words of the text that are `taken` have been replaced already.
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


def _unknown_in_segment(text: str, segment: SegmentAttention, spans: Spans) -> Iterator[UnknownWord]:
    tokens_of: dict[int, list[int]] = {}
    for token in segment.unknown:
        if segment.target_words[token] >= 0:  # a tokenizer may write nothing for an unknown word
            tokens_of.setdefault(segment.target_words[token], []).append(token)
    sizes = np.bincount([word - segment.words.start for word in segment.target_words if word >= 0])
    columns = np.array(segment.source_words) - segment.source_words[0]
    for word, tokens in tokens_of.items():
        start, stop = spans.starts[word], spans.stops[word]
        first, last = text.find(UNKNOWN, start, stop), text.rfind(UNKNOWN, start, stop)
        if first < 0:  # the tokenizer wrote nothing, or something else
            continue
        last += len(UNKNOWN)
        while first > start and text[first - 1].isalnum():
            first -= 1
        while last < stop and text[last].isalnum():
            last += 1
        attention = np.bincount(columns, weights=segment.weights[tokens, :-1].mean(axis=0))
        size = int(sizes[word - segment.words.start])
        yield UnknownWord(word, first, last, segment.source_words[0] + int(attention.argmax()), size == 1)
