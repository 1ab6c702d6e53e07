"""Changes to the text of a translation that leave its attention right."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from nmt.io.lines import output_line
from nmt.translation.result import Output, SegmentAttention

_WORD = re.compile(r"\S+")


class Edit(NamedTuple):
    """Characters of a text, at least part of a word, in whose place other words come.

    Attributes:
        start, stop: the characters that go.
        text: what comes, no white space at its ends.
        source_word: the word of the source that it stands for.
    """

    start: int
    stop: int
    text: str
    source_word: int


class Spans(NamedTuple):
    """Where the words of a text start and stop, in characters."""

    starts: list[int]
    stops: list[int]

    def word_at(self, place: int) -> int:
        """The word that a place is in, or the next behind it; the number of words behind the last."""
        return bisect_right(self.stops, place)

    def words_in(self, start: int, stop: int) -> range:
        """The words that some characters, at least one, are in."""
        return range(self.word_at(start), self.word_at(stop - 1) + 1)


def word_spans(text: str) -> Spans:
    """The words of `text.split()`."""
    found = [match.span() for match in _WORD.finditer(text)]
    return Spans([start for start, _ in found], [stop for _, stop in found])


def apply_edits(output: Output, edits: Sequence[Edit]) -> Output:
    """The output with its text changed, its attention that of the new words, and the replaced words in its annotations.

    Edits are ordered and do not overlap. Tokens keep to the words that took the place of theirs. Where several words
    took the place of one, all of them have its attention.
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
    parts = None if output.parts is None else tuple(_moved_part(part, moved, further) for part in output.parts)
    replaced = tuple((edit.source_word, new.word_at(begin)) for edit, begin in zip(edits, begins, strict=True))
    return replace(output, text=text, parts=parts, annotations=output.annotations._replace(replaced=replaced))


def _moved_words(old: Spans, new: Spans, edits: Sequence[Edit], begins: Sequence[int]) -> list[int]:
    """For each old word, and for the place behind the last, the new one that starts or stands where it did."""
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
    """For old words in whose place several came, those behind the first."""
    further: dict[int, list[int]] = {}
    for edit, begin in zip(edits, begins, strict=True):
        if others := new.words_in(begin, begin + len(edit.text))[1:]:
            for word in old.words_in(edit.start, edit.stop):
                further.setdefault(word, []).extend(others)
    return further


def _moved_part(part: SegmentAttention, moved: Sequence[int], further: Mapping[int, Sequence[int]]) -> SegmentAttention:
    words = range(_boundary(part.words.start, moved, further), _boundary(part.words.stop, moved, further))
    others = [(token, other) for token, word in enumerate(part.target_words) for other in further.get(word, ())]
    others += [(token, moved[word]) for token, word in part.further_words]
    target_words = tuple(moved[word] if word >= 0 and moved[word] in words else -1 for word in part.target_words)
    further_words = tuple((token, other) for token, other in others if other in words)
    return part._replace(words=words, target_words=target_words, further_words=further_words)


def _boundary(word: int, moved: Sequence[int], further: Mapping[int, Sequence[int]]) -> int:
    """The first new word of the part that began with an old one.

    What took the place of words of two parts at once belongs to the first of them.
    """
    if word and moved[word] == moved[word - 1]:
        return max([moved[word], *further.get(word, ())]) + 1
    return moved[word]
