"""A glossary: terms of the source language, and the terms that stand for them in a translation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple, Self

from nmt.translation.word_edges import bare, holds

_WORD = re.compile(r"\S+")


class GlossaryTerm(NamedTuple):
    """A term, and the alternatives of its translation."""

    source: str
    targets: tuple[str, ...]  # at least one


class FoundTerm(NamedTuple):
    """A term where a text has it."""

    source: str  # as the glossary writes it
    targets: tuple[str, ...]
    start: int  # the characters of the text
    stop: int
    words: range  # of `text.split()`


@dataclass(frozen=True, eq=False)
class Glossary:
    """Terms and their translations, made by `from_terms` or `nmt.translation.glossary_file.read_glossary`.

    A term stands where its words are whole words of the text, whatever punctuation is at their edges; in a language
    that writes no spaces, where its characters are. It is written as the glossary has it or, unless the glossary has
    that as a term of its own, with a capital first letter or in capitals throughout.
    """

    terms: tuple[GlossaryTerm, ...]
    _by_form: dict[str, list[GlossaryTerm]] = field(repr=False)  # by their words, bare and folded
    _sizes: dict[str, tuple[int, ...]] = field(repr=False)  # numbers of words of those that begin with one, descending
    _lengths: dict[str, tuple[int, ...]] = field(repr=False)  # the same of characters

    @classmethod
    def from_terms(cls, terms: Iterable[tuple[str, Sequence[str]]]) -> Self:
        """Makes a glossary of source terms, each with one target term or several.

        White space is made single spaces. Of equal source terms, the targets are joined.

        Raises ValueError if a term is empty or has no target.
        """
        joined: dict[str, dict[str, None]] = {}
        for source, targets in terms:
            if isinstance(targets, str):
                raise TypeError(
                    f"targets of {source!r:.80} are one text: expected a sequence, such as [{targets!r:.80}]"
                )
            names = [_normal(target) for target in targets]
            if not _normal(source) or not names or not all(names):
                raise ValueError(
                    f"term {source!r:.80} has targets {list(targets)!r:.200}: expected texts that are not empty"
                )
            joined.setdefault(_normal(source), {}).update(dict.fromkeys(names))
        made = tuple(GlossaryTerm(source, tuple(targets)) for source, targets in joined.items())
        by_form: dict[str, list[GlossaryTerm]] = {}
        sizes: dict[str, set[int]] = {}
        lengths: dict[str, set[int]] = {}
        for term in made:
            forms = [_folded(word) for word in term.source.split(" ")]
            by_form.setdefault(" ".join(forms), []).append(term)
            sizes.setdefault(forms[0], set()).add(len(forms))
            for variant in {term.source, *_variants(term.source)}:
                lengths.setdefault(variant[0], set()).add(len(variant))
        return cls(made, by_form, _descending(sizes), _descending(lengths))

    def __repr__(self) -> str:
        return f"<Glossary of {len(self.terms):,} terms>"

    def __len__(self) -> int:
        return len(self.terms)

    def find(self, text: str, *, spaced: bool) -> list[FoundTerm]:
        """Finds terms in a text of a language that writes spaces or not, in the order of the text.

        Of terms that overlap, the longest is taken, and the first of these.
        """
        found = list(self._in_words(text) if spaced else self._in_characters(text))
        if len(found) > 1:
            found.sort(key=lambda one: (one.start - one.stop, one.start))
            taken = bytearray(len(text))
            free = []
            for one in found:
                if not any(taken[one.start : one.stop]):
                    taken[one.start : one.stop] = bytes([1]) * (one.stop - one.start)
                    free.append(one)
            found = sorted(free, key=lambda one: one.start)
        return found

    def _in_words(self, text: str) -> Iterator[FoundTerm]:
        """Yields every term that is whole words of the text."""
        spans = [match.span() for match in _WORD.finditer(text)]
        words = [unicodedata.normalize("NFC", text[start:stop]) for start, stop in spans]
        folded = [_folded(word) for word in words]
        for first, word in enumerate(folded):
            for size in self._sizes.get(word, ()):
                forms = folded[first : first + size]
                terms = self._by_form.get(" ".join(forms)) if len(forms) == size else None
                if terms and (found := _written(terms, words, first)):
                    last = first + size - 1
                    yield FoundTerm(*found, spans[first][0], spans[last][1], range(first, last + 1))

    def _in_characters(self, text: str) -> Iterator[FoundTerm]:
        """Yields every term that is characters of the text; letters of scripts with spaces are not cut."""
        ends = [match.end() for match in _WORD.finditer(text)]
        word = 0
        for start, character in enumerate(text):
            while word < len(ends) and ends[word] <= start:
                word += 1
            for length in self._lengths.get(character, ()):
                part = text[start : start + length]
                stop = start + len(part)
                terms = self._by_form.get(" ".join(map(_folded, part.split())))
                if terms and not (_is_cut(text, start) or _is_cut(text, stop)) and (found := _equal(terms, part)):
                    last = word + len(part.split()) - 1
                    yield FoundTerm(*found, start, stop, range(word, last + 1))


def _written(terms: Sequence[GlossaryTerm], words: Sequence[str], first: int) -> tuple[str, tuple[str, ...]] | None:
    """Returns the one of some terms that stands at a word, as it is written or else with other capitals."""
    exact = [term for term in terms if holds(words, first, term.source.split(" "))]
    if exact:
        longest = max(exact, key=lambda term: len(term.source))
        return longest.source, longest.targets
    return _joined(
        [term for term in terms if any(holds(words, first, one.split(" ")) for one in _variants(term.source))]
    )


def _equal(terms: Sequence[GlossaryTerm], text: str) -> tuple[str, tuple[str, ...]] | None:
    """Returns the one of some terms that is a text, as it is written or else with other capitals."""
    exact = [term for term in terms if term.source == text]
    return _joined(exact or [term for term in terms if text in _variants(term.source)])


def _joined(terms: Sequence[GlossaryTerm]) -> tuple[str, tuple[str, ...]] | None:
    """Joins the targets of terms that are written in the same way."""
    if not terms:
        return None
    return terms[0].source, tuple(dict.fromkeys(chain.from_iterable(term.targets for term in terms)))


def _variants(term: str) -> tuple[str, str]:
    """Returns a term with a capital first letter, and in capitals."""
    return capitalised(term), term.upper()


def capitalised(text: str) -> str:
    """Returns a text with a capital first letter."""
    return text[:1].title() + text[1:]


def _folded(word: str) -> str:
    return bare(word).casefold()


def _normal(term: str) -> str:
    """Returns the one spelling of a term that Unicode and white space can spell in several ways."""
    return " ".join(unicodedata.normalize("NFC", term).split())


def _is_cut(text: str, place: int) -> bool:
    """Returns whether a place is inside a word of a script with spaces."""
    around = text[max(0, place - 1) : place + 1] if place else ""
    return len(around) == 2 and all(one.isascii() and one.isalnum() for one in around)


def _descending(values: dict[str, set[int]]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(sorted(of_key, reverse=True)) for key, of_key in values.items()}
