"""The presence of a glossary's terms in a translation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from nmt.translation.glossary import FoundTerm, capitalised
from nmt.translation.result import TermResult
from nmt.translation.word_edges import CLOSING, holds

SENTENCE_ENDS = ".!?:…。．！？｡"

_BEGINNING = re.compile(rf"(?:^|[{re.escape(SENTENCE_ENDS)}])[^\w{re.escape(SENTENCE_ENDS)}]*$")
_FAR_ENOUGH = 20  # characters of marks that may stand before the first word of a sentence


def term_results(terms: Sequence[FoundTerm], text: str, *, spaced: bool) -> tuple[TermResult, ...]:
    """Looks for each term in a translation, in a language that writes spaces or not.

    An alternative is there if its words are whole words of the text, with any punctuation at their edges; at the
    beginning of a sentence, it may have a capital first letter. None is counted for two terms.
    """
    if not terms:
        return ()
    text = unicodedata.normalize("NFC", text)
    words = text.split()
    taken: set[int] = set()
    found: dict[int, str] = {}
    # A term with few alternatives chooses first, and so does a longer one.
    for number in sorted(range(len(terms)), key=lambda number: _choosiness(terms[number])):
        for target in sorted(terms[number].targets, key=len, reverse=True):
            places = _in_words(target, words) if spaced else _in_characters(target, text)
            if (place := next((place for place in places if taken.isdisjoint(place)), None)) is not None:
                taken.update(place)
                found[number] = target
                break
    return tuple(TermResult(term.source, found.get(number), tuple(term.words)) for number, term in enumerate(terms))


def _choosiness(term: FoundTerm) -> tuple[int, int]:
    return len(term.targets), -max(map(len, term.targets))


def _in_words(target: str, words: Sequence[str]) -> Iterator[range]:
    """Yields the words of a text that are a target term."""
    own = target.split(" ")
    variant = capitalised(target).split(" ")
    for first in range(len(words) - len(own) + 1):
        if holds(words, first, own) or (
            variant != own and holds(words, first, variant) and _begins_sentence(words, first, variant[0])
        ):
            yield range(first, first + len(own))


def _begins_sentence(words: Sequence[str], first: int, own: str) -> bool:
    before = " ".join(words[max(0, first - _FAR_ENOUGH) : first]) + words[first][: words[first].find(own)]
    return _BEGINNING.search(before[-_FAR_ENOUGH:] if first else before) is not None


def _in_characters(target: str, text: str) -> Iterator[range]:
    """Yields the characters of a text that are a target term."""
    place = text.find(target)
    while place >= 0:
        yield range(place, place + len(target))
        place = text.find(target, place + 1)
