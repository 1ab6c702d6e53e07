"""The presence of a glossary's terms in a translation."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from nmt.translation.result import TermResult
from nmt.translation.term_finding import capitalised
from nmt.translation.word_edges import SENTENCE_ENDS, begins_word, ends_word

_BEGINNING = re.compile(rf"(?:^|[{re.escape(SENTENCE_ENDS)}])[^\w{re.escape(SENTENCE_ENDS)}]*$")
_FAR_ENOUGH = 20  # characters of marks that may stand before the first word of a sentence
_MOST_MOVES = 100  # in one text: each may look at all places of all terms


def term_results(
    terms: Sequence[TermResult], text: str, written: Callable[[str], str] = lambda target: target
) -> tuple[TermResult, ...]:
    """Looks for each term in a translation, and returns it with the alternative that is there.

    An alternative is there if it is whole words of the text, with any signs at their edges; at the beginning of a
    sentence, it may have a capital first letter. None is counted for two terms; as many terms as possible are found.
    `written` tells how a translation has a target term, where its spelling follows a rule.
    """
    if not terms:
        return ()
    places = _PlaceFinder(unicodedata.normalize("NFC", " ".join(text.split())), written)
    numbers = defaultdict(list)
    for number, term in enumerate(terms):
        numbers[term.targets].append(number)
    # A term with few alternatives chooses first, and so does a longer one.
    groups = [_TermPlaces(targets, places.of(targets)) for targets in sorted(numbers, key=_choosiness)]
    _distribute(groups, [len(numbers[group.targets]) for group in groups])
    results = [term._replace(target=None) for term in terms]
    for group in groups:
        for number, place in zip(numbers[group.targets], sorted(group.taken), strict=False):
            results[number] = results[number]._replace(target=place.target)
    return tuple(results)


def _choosiness(targets: tuple[str, ...]) -> tuple[int, int]:
    return len(targets), -max(map(len, targets))


class _Place(NamedTuple):
    """Where a text has a target term."""

    start: int  # its characters
    stop: int
    target: str


class _TermPlaces:
    """Terms with the same alternatives."""

    def __init__(self, targets: tuple[str, ...], places: list[_Place]) -> None:
        """`places` are all that it may take, the longest alternative first."""
        self.targets = targets
        self.places = places
        self.taken: set[_Place] = set()
        self.tried = 0  # places that are known to be taken


class _PlaceFinder:
    """Finds target terms in a text."""

    def __init__(self, text: str, written: Callable[[str], str]) -> None:
        self._text = text
        self._written = written
        self._found: dict[str, list[_Place]] = {}

    def of(self, targets: Sequence[str]) -> list[_Place]:
        """Lists the places of some alternatives, those of the longest first."""
        found: list[_Place] = []
        for target in sorted(targets, key=len, reverse=True):
            if target not in self._found:
                self._found[target] = [_Place(*place, target) for place in self._find(self._written(target))]
            found += self._found[target]
        return found

    def _find(self, own: str) -> Iterator[tuple[int, int]]:
        yield from self._occurrences(own)
        if (variant := capitalised(own)) != own:
            for start, stop in self._occurrences(variant):
                if _BEGINNING.search(self._text[max(0, start - _FAR_ENOUGH) : start]):
                    yield start, stop

    def _occurrences(self, own: str) -> Iterator[tuple[int, int]]:
        """Yields where the text has `own` as whole words; of those that overlap, the first."""
        place = self._text.find(own) if own else -1
        while place >= 0:
            stop = place + len(own)
            is_whole = begins_word(self._text, place) and ends_word(self._text, stop)
            if is_whole:
                yield place, stop
            place = self._text.find(own, stop if is_whole else place + 1)


def _distribute(groups: Sequence[_TermPlaces], times: Sequence[int]) -> None:
    """Gives each group as many places as it has terms, as far as the text has them; none is taken twice."""
    owners: dict[int, tuple[_TermPlaces, _Place]] = {}  # of each character
    moves = 0
    for group, count in zip(groups, times, strict=True):
        while len(group.taken) < count:
            if (place := _next_free(group, owners)) is None:
                moves += 1
                if moves > _MOST_MOVES or (place := _made_free(group, owners)) is None:
                    break
            _take(group, place, owners)


def _next_free(group: _TermPlaces, owners: dict[int, tuple[_TermPlaces, _Place]]) -> _Place | None:
    while group.tried < len(group.places):
        place = group.places[group.tried]
        group.tried += 1
        if not any(character in owners for character in range(place.start, place.stop)):
            return place
    return None


def _made_free(group: _TermPlaces, owners: dict[int, tuple[_TermPlaces, _Place]]) -> _Place | None:
    """Returns a place for a group that another leaves for a free one, which yet another may leave for it."""
    reached: dict[_TermPlaces, tuple[_TermPlaces, _Place]] = {}  # by whom, and the place of theirs that it wants
    waiting = [group]
    while waiting:
        one = waiting.pop(0)
        for place in one.places:
            holders = {owners[character] for character in range(place.start, place.stop) if character in owners}
            if len(holders) != 1:
                continue
            [(holder, held)] = holders
            if holder is group or holder in reached or held in one.taken:
                continue
            reached[holder] = one, place
            if (free := _next_free(holder, owners)) is None:
                waiting.append(holder)
                continue
            while holder is not group:
                taker, wanted = reached[holder]
                [held] = {owners[character][1] for character in range(wanted.start, wanted.stop) if character in owners}
                _leave(holder, held, owners)
                _take(holder, free, owners)
                holder, free = taker, wanted
            return free
    return None


def _take(group: _TermPlaces, place: _Place, owners: dict[int, tuple[_TermPlaces, _Place]]) -> None:
    group.taken.add(place)
    owners.update(dict.fromkeys(range(place.start, place.stop), (group, place)))


def _leave(group: _TermPlaces, place: _Place, owners: dict[int, tuple[_TermPlaces, _Place]]) -> None:
    group.taken.discard(place)
    for character in range(place.start, place.stop):
        del owners[character]
