"""Where a text has the terms of a glossary."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain
from typing import NamedTuple

from nmt.translation.word_edges import WORD, are_signs, bare, begins_word, ends_word, is_glued

_SPLIT_WORD = re.compile(r"\S+")


class GlossaryTerm(NamedTuple):
    """A term, and the alternatives of its translation."""

    source: str
    targets: tuple[str, ...]  # at least one


class FoundTerm(NamedTuple):
    """A term where a text has it."""

    source: str  # as the glossary writes it
    targets: tuple[str, ...]
    start: int  # its characters in the text
    stop: int
    words: range  # of `text.split()`


class TermFinder:
    """Finds terms in texts, those of scripts without spaces by their characters and all others by their words."""

    def __init__(self, terms: Iterable[GlossaryTerm]) -> None:
        self._by_words, self._by_characters = _Trie(), _Trie()
        for term in terms:
            if any(map(is_glued, term.source)):
                self._by_characters.add(map(_folded_character, term.source), term)
            else:
                self._by_words.add((_folded(word[0]) for word in WORD.finditer(term.source)), term)

    def find(self, text: str) -> list[FoundTerm]:
        """Finds the terms in a text, in its order; of those that overlap, the longest, and the first of these."""
        composed, origins = _composed(text)
        readers: list[_TermReader] = []
        if self._by_words.children:
            readers.append(_WordReader(composed, self._by_words))
        if self._by_characters.children:
            readers.append(_CharacterReader(composed, self._by_characters))
        matches = _longest(readers, len(composed))
        if not matches:
            return []
        ends = [word.end() for word in _SPLIT_WORD.finditer(composed)]
        return [
            FoundTerm(
                one.term.source,
                one.term.targets,
                origins[one.start],
                origins[one.stop],
                range(bisect_right(ends, one.start), bisect_right(ends, one.stop - 1) + 1),
            )
            for one in matches
        ]


class _Trie:
    """Terms by what they consist of."""

    __slots__ = ("children", "terms")

    def __init__(self) -> None:
        self.children: dict[str, _Trie] = {}
        self.terms: list[GlossaryTerm] = []

    def add(self, parts: Iterable[str], term: GlossaryTerm) -> None:
        node = self
        for part in parts:
            if (child := node.children.get(part)) is None:
                child = node.children[part] = _Trie()
            node = child
        node.terms.append(term)


class _Match(NamedTuple):
    """A term in a composed text."""

    start: int
    stop: int
    term: GlossaryTerm


class _TermReader(ABC):
    """Reads a text part by part, from any of its parts."""

    def __init__(self, text: str, trie: _Trie, parts: Sequence[str], begins: Sequence[int]) -> None:
        """`parts` are spelled as those of the trie, and begin at these characters of the text."""
        self.parts = parts
        self._begins = begins
        self._text = text
        self._trie = trie

    def longest(self, first: int, limit: int) -> _Match | None:
        """Returns the longest term that begins with a part and ends before the character `limit`."""
        found: list[tuple[list[GlossaryTerm], int]] = []
        node = self._trie
        for last in range(first, len(self.parts)):
            if self._begins[last] >= limit or (child := node.children.get(self.parts[last])) is None:
                break
            node = child
            if node.terms:
                found.append((node.terms, last))
        for terms, last in reversed(found):
            if (match := self._match(terms, first, last)) and match.stop <= limit:
                return match
        return None

    @abstractmethod
    def _match(self, terms: Sequence[GlossaryTerm], first: int, last: int) -> _Match | None:
        """Returns the one of some terms that parts of the text are, if they have the right capitals."""


class _WordReader(_TermReader):
    """Reads words."""

    def __init__(self, text: str, trie: _Trie) -> None:
        spans = [word.span() for word in WORD.finditer(text)]
        words = [_folded(text[start:stop]) for start, stop in spans]
        super().__init__(text, trie, words, [start for start, _ in spans])
        self._spans = spans

    def _match(self, terms: Sequence[GlossaryTerm], first: int, last: int) -> _Match | None:
        start, stop = self._spans[first][0], self._spans[last][1]
        text = " ".join(self._text[start:stop].split())
        exact = [(one, place) for one in terms if (place := _place(one.source, text)) >= 0]
        if exact:
            term, place = max(exact, key=lambda found: len(found[0].source))
            source = term.source
        else:
            others = [
                (one, variant, place)
                for one in terms
                for variant in _variants(one.source)
                if (place := _place(variant, text)) >= 0
            ]
            if not others:
                return None
            _, source, place = others[0]
            term = _joined([one for one, _, _ in others])
        return _Match(start + place, stop - (len(text) - place - len(source)), term)


class _CharacterReader(_TermReader):
    """Reads characters."""

    def __init__(self, text: str, trie: _Trie) -> None:
        super().__init__(text, trie, list(map(_folded_character, text)), range(len(text)))

    def _match(self, terms: Sequence[GlossaryTerm], first: int, last: int) -> _Match | None:
        if not (begins_word(self._text, first) and ends_word(self._text, last + 1)):
            return None
        text = " ".join(self._text[first : last + 1].split())
        found = [one for one in terms if one.source == text] or [one for one in terms if text in _variants(one.source)]
        return _Match(first, last + 1, _joined(found)) if found else None


def _longest(readers: Sequence[_TermReader], size: int) -> list[_Match]:
    """Returns the longest terms of a text of so many characters, then the longest of those that are free of them."""
    waiting = [
        (match.start - match.stop, match.start, number, first, match)
        for number, reader in enumerate(readers)
        for first in range(len(reader.parts))
        if (match := reader.longest(first, size))
    ]
    heapify(waiting)
    taken = bytearray(size + 1)
    taken[size] = 1
    found = []
    while waiting:
        _, start, number, first, match = heappop(waiting)
        limit = taken.find(1, start)
        if match.stop <= limit:
            found.append(match)
            taken[start : match.stop] = b"\1" * (match.stop - start)
        elif limit > start and (shorter := readers[number].longest(first, limit)):
            heappush(waiting, (shorter.start - shorter.stop, shorter.start, number, first, shorter))
    return sorted(found)


def _place(source: str, text: str) -> int:
    """Returns where a text has a term with nothing but signs around it; -1 if it has not."""
    # The first place is enough: what stands before another would hold the term itself.
    place = text.find(source)
    return place if place >= 0 and are_signs(text[:place], text[place + len(source) :]) else -1


def _joined(terms: Sequence[GlossaryTerm]) -> GlossaryTerm:
    """Joins the targets of terms that are written in the same way."""
    return GlossaryTerm(terms[0].source, tuple(dict.fromkeys(chain.from_iterable(one.targets for one in terms))))


def _variants(term: str) -> tuple[str, str]:
    """Returns a term with a capital first letter, and in capitals."""
    return capitalised(term), term.upper()


def capitalised(text: str) -> str:
    """Returns a text with a capital first letter."""
    return text[:1].title() + text[1:]


def _folded(word: str) -> str:
    return bare(word).casefold()


def _folded_character(character: str) -> str:
    return " " if character.isspace() else character.casefold()


def _composed(text: str) -> tuple[str, Sequence[int]]:
    """Returns a text in Unicode's composed form, and where in the text each of its characters, and its end, were."""
    if unicodedata.is_normalized("NFC", text):
        return text, range(len(text) + 1)
    parts: list[str] = []
    origins: list[int] = []
    for start, stop in _clusters(text):
        part = unicodedata.normalize("NFC", text[start:stop])
        parts.append(part)
        origins += [start] * len(part)
    return "".join(parts), [*origins, len(text)]


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yields the spans of characters that may become one."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not (
            unicodedata.category(text[place]).startswith("M") or "\u1160" <= text[place] <= "\u11ff"
        ):
            yield start, place
            start = place
