"""The terms of a glossary as tokens, which the search puts into translations."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.search.terms import Alternative, Term, TokenTraits, TriePlace
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.glossary import Glossary
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Output, TermResult
from nmt.translation.sentences import writes_spaces
from nmt.translation.term_finding import FoundTerm, capitalised
from nmt.translation.term_presence import term_results
from nmt.translation.word_edges import SENTENCE_ENDS, is_glued, parts_words

if TYPE_CHECKING:
    from nmt.search.shortlist import RestrictedVocabularies

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

    def __init__(self, tokenizers: Tokenizers, target_language: str) -> None:
        self._source, self._target = tokenizers
        self._spaced = writes_spaces(target_language)

    def find(self, text: str, glossary: Glossary | None) -> list[tuple[FoundTerm, tuple[Alternative, ...]]]:
        """Finds the terms in a text, and encodes their alternatives; without those that cannot be written."""
        if glossary is None:
            return []
        found = [(one, self.alternatives(one.targets)) for one in glossary.find(text)]
        return [(one, alternatives) for one, alternatives in found if alternatives]

    def of_cuts(
        self,
        text: str,
        found: Sequence[tuple[FoundTerm, tuple[Alternative, ...]]],
        cuts: Sequence[tuple[int, int]],
    ) -> list[tuple[SegmentTerm, ...]]:
        """Assigns the terms of a text to the cuts of its tokens in which they begin.

        `cuts` are the first token of each and that behind its last.
        """
        of_cuts: list[list[SegmentTerm]] = [[] for _ in cuts]
        begins = self._source.begins(text) if found else []
        for one, alternatives in found:
            # The first token may begin before the term, with the space or a sign there.
            begin = begins[max(0, bisect_right(begins, one.start) - 1)]
            positions = range(bisect_left(begins, begin), bisect_left(begins, one.stop))
            number = bisect_right(cuts, positions[0], key=lambda cut: cut[0]) - 1
            start, stop = cuts[number]
            inside = tuple(place - start for place in positions if place < stop)
            of_cuts[number].append(SegmentTerm(one, alternatives, inside))
        return list(map(tuple, of_cuts))

    def judge(self, output: Output, terms: Sequence[SegmentTerm]) -> Output:
        """Annotates an output with what became of the terms of its line."""
        results = self._results(output.text, terms)
        return replace(output, annotations=output.annotations._replace(terms=results))

    def are_met(self, tokens: Sequence[int], terms: Sequence[SegmentTerm]) -> bool:
        """True if a translation has all terms."""
        return all(result.met for result in self._results(self._target.decode(tokens), terms))

    def _results(self, text: str, terms: Sequence[SegmentTerm]) -> tuple[TermResult, ...]:
        wanted = [TermResult(one.source, one.targets, tuple(one.words)) for one, _, _ in terms]
        return term_results(wanted, text, self._spelled)

    def _spelled(self, target: str) -> str:
        """Spells a target term as translations do, by the rule of the tokenizer."""
        [ids] = self._target.encode([target])
        return self._target.decode(ids) if self._is_spelled(ids) else target

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
        traits = np.array([self._traits(self._target.piece(token)) for token in range(self._target.size)])
        if self._joins_words:
            traits[self._target.special.unk] = TokenTraits.CONTINUES
        return traits

    @cached_property
    def _joins_words(self) -> bool:
        """True if a token that does not begin with a space continues a word, as in languages that write spaces."""
        return any(self._target.piece(token).startswith("▁") for token in range(self._target.size))

    def _written(self, text: str, place: TriePlace) -> Iterator[Alternative]:
        """Yields the ways to write one text: as a word of its own, and directly behind a bracket or another word."""
        [ids] = self._target.encode([text])
        if not self._is_spelled(ids):
            return
        inside = next((rest for mark in _BRACKETS if (rest := self._behind(mark, text))), None)
        if inside is None or inside == ids:
            yield Alternative(tuple(ids), place)
        elif is_glued(text[0]):
            yield Alternative(tuple(inside), place)
            yield Alternative(tuple(ids), TriePlace.SENTENCE_START)
        else:
            yield Alternative(tuple(ids), place)
            # Where a language has no spaces, a foreign word may stand directly behind any other.
            yield Alternative(tuple(inside), place | TriePlace.AFTER_OPENING if self._spaced else place)

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
        if not text:
            return int(TokenTraits.IS_MARK)
        if self._joins_words and not piece.startswith("▁") and not parts_words(text[0]):
            traits |= TokenTraits.CONTINUES
        if not any(map(str.isalnum, text)):
            traits |= TokenTraits.IS_MARK
            is_behind_space = piece.startswith("▁") and text[-1] in _OPENING_AFTER_SPACE
            if is_behind_space or unicodedata.category(text[-1]) in _OPENING_CATEGORIES:
                traits |= TokenTraits.OPENS
        if text[-1] in SENTENCE_ENDS:
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
