"""The presence of a glossary's terms in a translation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from nmt.translation.glossary import capitalised
from nmt.translation.result import TermResult
from nmt.translation.word_edges import holds

SENTENCE_ENDS = ".!?:…。．！？｡"

_BEGINNING = re.compile(rf"(?:^|[{re.escape(SENTENCE_ENDS)}])[^\w{re.escape(SENTENCE_ENDS)}]*$")
_FAR_ENOUGH = 20  # characters of marks that may stand before the first word of a sentence


def term_results(terms: Sequence[TermResult], text: str) -> tuple[TermResult, ...]:
    """Looks for each term in a translation, and returns it with the alternative that is there.

    An alternative is there if its words are whole words of the text, with any punctuation at their edges; at the
    beginning of a sentence, it may have a capital first letter. None is counted for two terms.
    """
    if not terms:
        return ()
    text = unicodedata.normalize("NFC", text)
    words = text.split()
    taken: set[int] = set()
    results = list(terms)
    # A term with few alternatives chooses first, and so does a longer one.
    for number in sorted(range(len(terms)), key=lambda number: _choosiness(terms[number])):
        term, found = terms[number], None
        for target in sorted(term.targets, key=len, reverse=True):
            places = _in_words(target, words) if term.are_words else _in_characters(target, text)
            if (place := next((place for place in places if taken.isdisjoint(place)), None)) is not None:
                taken.update(place)
                found = target
                break
        results[number] = term._replace(target=found)
    return tuple(results)


def _choosiness(term: TermResult) -> tuple[int, int]:
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
