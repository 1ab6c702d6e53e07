"""The terms of a glossary as tokens, which the search puts into translations."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.search.shortlist import RestrictedVocabularies
from nmt.search.term_trie import Alternative, Term, TokenTraits, TriePlace
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.glossary import FoundTerm, Glossary, capitalised
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Output, TermResult
from nmt.translation.sentences import writes_spaces
from nmt.translation.term_presence import SENTENCE_ENDS, term_results
from nmt.translation.word_edges import CLOSING

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_BRACKETS = '(「"'
_OPENING_CATEGORIES = ("Ps", "Pi")
_OPENING_AFTER_SPACE = "\"'„‚¿¡"


LEAST_WIDTH = 4
"""Minimum number of hypotheses in a search for terms: fewer would have to begin each term at the first opportunity."""


class SegmentTerm(NamedTuple):
    """A term in a segment of a line."""

    found: FoundTerm  # its words are those of the line
    alternatives: tuple[Alternative, ...]
    positions: tuple[int, ...]  # of its tokens in the segment

    def moved(self, words: int) -> SegmentTerm:
        """Returns the term behind so many more words of the line."""
        first, last = self.found.words[0] + words, self.found.words[-1] + words
        return self._replace(found=self.found._replace(words=range(first, last + 1)))


class GlossaryTerms:
    """Finds the terms of glossaries in source text, and encodes those of target text."""

    def __init__(self, tokenizers: Tokenizers, source_language: str, target_language: str) -> None:
        self._source, self._target = tokenizers
        self._source_spaced = writes_spaces(source_language)
        self._spaced = writes_spaces(target_language)

    def find(self, text: str, glossary: Glossary | None) -> list[tuple[FoundTerm, tuple[Alternative, ...]]]:
        """Finds the terms in a text, and encodes their alternatives; without those that cannot be written."""
        if glossary is None:
            return []
        found = [(one, self.alternatives(one.targets)) for one in glossary.find(text, spaced=self._source_spaced)]
        return [(one, alternatives) for one, alternatives in found if alternatives]

    def of_cuts(
        self,
        text: str,
        found: Sequence[tuple[FoundTerm, tuple[Alternative, ...]]],
        words: Sequence[int],
        cuts: Sequence[tuple[int, int]],
    ) -> list[tuple[SegmentTerm, ...]]:
        """Assigns the terms of a text to the cuts of its tokens in which they begin.

        `words` are for each token its word, `cuts` the first token of each and that behind its last.
        """
        of_cuts: list[list[SegmentTerm]] = [[] for _ in cuts]
        begins = [] if self._source_spaced or not found else self._source.begins(text)
        for one, alternatives in found:
            if begins:
                positions = [place for place, begin in enumerate(begins) if one.start <= begin < one.stop]
            else:
                positions = [place for place, word in enumerate(words) if word in one.words]
            first = positions[0] if positions else 0
            number = bisect_right(cuts, first, key=lambda cut: cut[0]) - 1
            start, stop = cuts[number]
            inside = tuple(place - start for place in positions if place < stop)
            of_cuts[number].append(SegmentTerm(one, alternatives, inside))
        return list(map(tuple, of_cuts))

    def judge(self, output: Output, terms: Sequence[SegmentTerm]) -> Output:
        """Annotates an output with what became of the terms of its line."""
        results = term_results(self._expected(terms), output.text)
        return replace(output, annotations=output.annotations._replace(terms=results))

    def are_met(self, tokens: Sequence[int], terms: Sequence[SegmentTerm]) -> bool:
        """True if a translation has all terms."""
        return all(result.met for result in term_results(self._expected(terms), self._target.decode(tokens)))

    def _expected(self, terms: Sequence[SegmentTerm]) -> list[TermResult]:
        found = [term.found for term in terms]
        return [TermResult(one.source, one.targets, tuple(one.words), self._spaced) for one in found]

    def alternatives(self, targets: Sequence[str]) -> tuple[Alternative, ...]:
        """Encodes the alternatives of a term; none of one that the vocabulary cannot spell."""
        found: dict[Alternative, None] = {}
        for target in targets:
            found.update(dict.fromkeys(self._written(target, TriePlace.ANYWHERE)))
            if found and (variant := capitalised(target)) != target:
                found.update(dict.fromkeys(self._written(variant, TriePlace.SENTENCE_START)))
        return tuple(found)

    def unwritable(self, glossary: Glossary) -> list[str]:
        """Lists the source terms of which no alternative can be spelled with the vocabulary."""
        targets = [target for term in glossary.terms for target in term.targets]
        spelled = map(self._is_spelled, self._target.encode(targets))
        return [term.source for term in glossary.terms if not any(list(islice(spelled, len(term.targets))))]

    @cached_property
    def traits(self) -> NDArray[np.int64]:
        """The `TokenTraits` of each token of the vocabulary."""
        return np.array([self._traits(self._target.piece(token)) for token in range(self._target.size)])

    @cached_property
    def _joins_words(self) -> bool:
        """True if a token that does not begin with a space continues a word, as in languages that write spaces."""
        return self._spaced and any(self._target.piece(token).startswith("▁") for token in range(self._target.size))

    def _written(self, text: str, place: TriePlace) -> Iterator[Alternative]:
        """Yields the ways to write one text: as a word of its own, and directly behind a bracket."""
        [ids] = self._target.encode([text])
        if not self._is_spelled(ids):
            return
        inside = next((rest for mark in _BRACKETS if (rest := self._behind(mark, text))), None)
        if self._spaced or inside is None:
            yield Alternative(tuple(ids), place)
            if inside is not None and inside != ids:
                yield Alternative(tuple(inside), place | TriePlace.AFTER_OPENING)
        else:
            yield Alternative(tuple(inside), place)
            if inside != ids:
                yield Alternative(tuple(ids), TriePlace.SENTENCE_START)

    def _behind(self, mark: str, text: str) -> list[int] | None:
        """Returns the tokens of a text directly behind a mark; None if it does not have tokens of its own there."""
        [head], [whole] = self._target.encode([mark]), self._target.encode([mark + text])
        rest = whole[len(head) :]
        return rest if whole[: len(head)] == head and self._is_spelled(rest) and self._is_spelled(head) else None

    def _is_spelled(self, ids: Sequence[int]) -> bool:
        return bool(ids) and self._target.special.unk not in ids

    def _traits(self, piece: str) -> int:
        text = piece.replace("▁", "")
        traits = TokenTraits(0)
        if self._joins_words and _BYTE.fullmatch(piece) and self._target.spells_bytes:
            return int(TokenTraits.CONTINUES)
        if self._joins_words and not piece.startswith("▁") and text.strip(CLOSING):
            traits |= TokenTraits.CONTINUES
        if not any(map(str.isalnum, text)):
            traits |= TokenTraits.IS_MARK
            is_behind_space = piece.startswith("▁") and text[-1:] in tuple(_OPENING_AFTER_SPACE)
            if text and (is_behind_space or unicodedata.category(text[-1]) in _OPENING_CATEGORIES):
                traits |= TokenTraits.OPENS
        if text and text[-1] in SENTENCE_ENDS:
            traits |= TokenTraits.ENDS_SENTENCE
        return int(traits)


def for_terms(options: TranslateOptions) -> TranslateOptions:
    """Returns the options of a search for terms, whose beam has a minimum width."""
    width = max(options.search.beam_size, LEAST_WIDTH)
    return replace(options, search=options.search.model_copy(update={"beam_size": width}))


def fitting(terms: Sequence[SegmentTerm], room: int) -> list[SegmentTerm]:
    """Leaves out terms, from the end, for which a translation of `room` tokens at most has no room."""
    kept, left = [], room
    for term in terms:
        shortest = Term(term.alternatives, 1).shortest
        if shortest <= left:
            left -= shortest
            kept.append(term)
    return kept


def grouped(terms: Sequence[SegmentTerm]) -> list[Term]:
    """Joins terms with the same alternatives."""
    joined: dict[tuple[Alternative, ...], Term] = {}
    for _, alternatives, positions in terms:
        before = joined.get(alternatives, Term(alternatives, 0))
        joined[alternatives] = Term(alternatives, before.times + 1, before.positions + positions)
    return list(joined.values())


def restricted_terms(terms: Sequence[Sequence[Term]], vocabularies: RestrictedVocabularies) -> list[list[Term]]:
    """Maps the tokens of each sentence's terms to ids of its restricted vocabulary."""
    flat = [[token for term in row for tokens, _ in term.alternatives for token in tokens] for row in terms]
    found = []
    for row, ids in zip(terms, map(iter, vocabularies.restricted(flat)), strict=True):
        found.append(
            [
                term._replace(
                    alternatives=tuple(
                        Alternative(tuple(islice(ids, len(tokens))), place) for tokens, place in term.alternatives
                    )
                )
                for term in row
            ]
        )
    return found
