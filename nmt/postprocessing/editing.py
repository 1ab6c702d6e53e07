"""Edits of the text of a translation that keep its attention right."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from nmt.io.lines import output_line
from nmt.translation.result import Output, SegmentAttention

_WORD = re.compile(r"\S+")


class Edit(NamedTuple):
    """A replacement of some characters of a text, at least part of a word, by other words."""

    start: int
    stop: int
    text: str  # without white space at its ends
    source_word: int  # which it stands for


class Spans(NamedTuple):
    """The characters at which each word of a text starts and stops."""

    starts: list[int]
    stops: list[int]

    def word_at(self, position: int) -> int:
        """Returns the word at a position, or the next after it; the number of words after the last."""
        return bisect_right(self.stops, position)

    def words_in(self, start: int, stop: int) -> range:
        """Returns the words that a non-empty range of characters touches."""
        return range(self.word_at(start), self.word_at(stop - 1) + 1)


def word_spans(text: str) -> Spans:
    """Locates the words of `text.split()`."""
    found = [match.span() for match in _WORD.finditer(text)]
    return Spans([start for start, _ in found], [stop for _, stop in found])


def apply_edits(output: Output, edits: Sequence[Edit]) -> Output:
    """Applies edits to an output: to its text, to the words of its attention, and to its annotations.

    Edits are in order, and do not overlap. A token belongs to the word that took the place of its own. Where several
    words took the place of one, each of them has its attention.
    """
    edits = [edit._replace(text=output_line(edit.text)) for edit in edits]
    pieces, begins = [], []
    length = end = 0
    for edit in edits:
        pieces += [output.text[end : edit.start], edit.text]
        begins.append(length + edit.start - end)
        length, end = begins[-1] + len(edit.text), edit.stop
    text = "".join([*pieces, output.text[end:]])
    old, new = word_spans(output.text), word_spans(text)
    moved = _moved_words(old, new, edits, begins)
    further = _further_words(old, new, edits, begins)
    segments = output.segments and tuple(_moved_segment(segment, moved, further) for segment in output.segments)
    replaced = tuple((edit.source_word, new.word_at(begin)) for edit, begin in zip(edits, begins, strict=True))
    return replace(output, text=text, segments=segments, annotations=output.annotations._replace(replaced=replaced))


def _moved_words(old: Spans, new: Spans, edits: Sequence[Edit], begins: Sequence[int]) -> list[int]:
    """Maps each old word, and the end of the text, to the new word that starts or stands where it did."""
    moved = []
    passed = shift = 0
    for start in old.starts:
        while passed < len(edits) and edits[passed].stop <= start:
            shift = begins[passed] + len(edits[passed].text) - edits[passed].stop
            passed += 1
        inside = passed < len(edits) and edits[passed].start <= start
        moved.append(new.word_at(begins[passed] if inside else start + shift))
    return [*moved, len(new.starts)]


def _further_words(old: Spans, new: Spans, edits: Sequence[Edit], begins: Sequence[int]) -> dict[int, list[int]]:
    """Maps each old word that several words replace to those after the first."""
    further: dict[int, list[int]] = {}
    for edit, begin in zip(edits, begins, strict=True):
        if others := new.words_in(begin, begin + len(edit.text))[1:]:
            for word in old.words_in(edit.start, edit.stop):
                further.setdefault(word, []).extend(others)
    return further


def _moved_segment(segment: SegmentAttention, moved: list[int], further: dict[int, list[int]]) -> SegmentAttention:
    words = range(_boundary(segment.words.start, moved, further), _boundary(segment.words.stop, moved, further))
    others = [(token, other) for token, word in enumerate(segment.target_words) for other in further.get(word, ())]
    others += [(token, moved[word]) for token, word in segment.further_words]
    target_words = tuple(moved[word] if word >= 0 and moved[word] in words else -1 for word in segment.target_words)
    further_words = tuple((token, other) for token, other in others if other in words)
    return segment._replace(words=words, target_words=target_words, further_words=further_words)


def _boundary(word: int, moved: list[int], further: dict[int, list[int]]) -> int:
    """Returns the first new word of the segment that began with an old one.

    A replacement of words of two segments belongs to the first of them.
    """
    if word and moved[word] == moved[word - 1]:
        return max([moved[word], *further.get(word, [])]) + 1
    return moved[word]
