"""The terms that a translation must hold, as tokens."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple


class TokenTraits(IntFlag):
    """Traits of a token, by which terms are told from parts of longer words."""

    CONTINUES = 1  # behind another token, it goes on with that token's word
    ENDS_SENTENCE = 2
    IS_MARK = 4  # has neither letters nor digits
    OPENS = 8  # what follows is written directly behind it, as behind a bracket


class TriePlace(IntFlag):
    """A place of a translation: no alternative is bound to `ANYWHERE`, and both others may hold at once."""

    ANYWHERE = 0
    AFTER_OPENING = 1
    SENTENCE_START = 2


class Alternative(NamedTuple):
    """One way to write a term."""

    tokens: tuple[int, ...]  # at least one
    place: TriePlace = TriePlace.ANYWHERE  # where alone it may stand


class Term(NamedTuple):
    """A term that a translation must hold; at least one of its alternatives may stand anywhere."""

    alternatives: tuple[Alternative, ...]
    times: int = 1  # that it must be there
    positions: tuple[int, ...] = ()  # of the source tokens that it translates

    @property
    def shortest(self) -> int:
        """Number of tokens of the shortest alternative that may stand anywhere."""
        return min(len(one.tokens) for one in self.alternatives if one.place is TriePlace.ANYWHERE)

    @property
    def length(self) -> int:
        """Number of tokens that are enough to write it as often as it must be there."""
        return self.times * self.shortest
