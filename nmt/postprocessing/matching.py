"""Matching of the entities of a source line with those that stand in its translation already."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from nmt.postprocessing.editing import Spans
from nmt.postprocessing.entities import Entity, find_entities, meanings, spaced_numbers


class PlacedEntity(NamedTuple):
    """An entity, and the index of the word in which it stands."""

    entity: Entity
    word: int


def placed_entities(text: str, spans: Spans) -> list[PlacedEntity]:
    """Finds the entities of a text, in order."""
    return [PlacedEntity(entity, spans.word_at(entity.start)) for entity in find_entities(text)]


def match_entities(
    source: Sequence[PlacedEntity], target: Sequence[PlacedEntity], texts: tuple[str, str], attended: Sequence[int]
) -> tuple[dict[int, int], set[int]]:
    """Matches the entities of a line with those of its translation.

    Of several equal ones, an entity takes one in a word that attended most to its own, if there is one. A number may be
    written in another notation, also with spaces between its groups. `texts` are the line and its translation,
    `attended` the source word that each word of the translation attended to most.

    Returns:
        indices in `source` of matched entities, each with its index in `target`; and all matched indices in `target`.
    """
    matched: dict[int, int] = {}
    used: set[int] = set()
    near, anywhere, runs = _Pool(used), _Pool(used), _Pool(used)
    for first, last, value in spaced_numbers([one.entity for one in target], texts[1]):
        runs.add(("numbers", value), range(first, last + 1))
    for index, one in enumerate(target):
        for meaning in meanings(one.entity):
            near.add((meaning, attended[one.word]), range(index, index + 1))
            anywhere.add(meaning, range(index, index + 1))
    for first, last, value in spaced_numbers([one.entity for one in source], texts[0]):
        if found := runs.take([("numbers", value)]) or anywhere.take([("numbers", value)]):
            matched |= dict.fromkeys(range(first, last + 1), found[0])
    for pool in (near, anywhere, runs):
        for index, one in enumerate(source):
            if index not in matched:
                keys = [(meaning, one.word) if pool is near else meaning for meaning in meanings(one.entity)]
                if found := pool.take(keys):
                    matched[index] = found[0]
    return matched, used


class _Pool:
    """Entities of the translation by a key; one that is taken is gone from all pools that share `used`."""

    def __init__(self, used: set[int]) -> None:
        self._used = used
        self._waiting: dict[Hashable, deque[range]] = defaultdict(deque)

    def add(self, key: Hashable, indices: range) -> None:
        self._waiting[key].append(indices)

    def take(self, keys: Iterable[Hashable]) -> range | None:
        """Takes the first free indices under one of the keys."""
        for key in keys:
            waiting = self._waiting.get(key, ())
            while waiting:
                indices = waiting.popleft()
                if self._used.isdisjoint(indices):
                    self._used.update(indices)
                    return indices
        return None
