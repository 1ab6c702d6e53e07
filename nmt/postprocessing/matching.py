"""Which numbers, addresses and tags of a source line stand in its translation already."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from nmt.postprocessing.editing import Spans
from nmt.postprocessing.entities import Item, find_items, meanings, spaced_numbers


class Placed(NamedTuple):
    """An item, and the word of its text in which it stands."""

    item: Item
    word: int


def placed_items(text: str, spans: Spans) -> list[Placed]:
    """The items of a text in their order."""
    return [Placed(item, spans.word_at(item.start)) for item in find_items(text)]


def match_items(
    source: Sequence[Placed], target: Sequence[Placed], texts: tuple[str, str], looked_at: Sequence[int]
) -> tuple[dict[int, int], set[int]]:
    """The places in `source` of items that stand in the translation, each with its place in `target`; and all places
    in `target` that are taken by them.

    Of several that are the same, an item takes one in a word that looked at its own most, if there is one. A number
    may be written in another notation, also with spaces between its groups.

    Args:
        source, target: the items of the line and of its translation.
        texts: the line and its translation.
        looked_at: for each word of the translation the source word it looked at most.
    """
    matched: dict[int, int] = {}
    used: set[int] = set()
    near, anywhere, runs = _Pool(used), _Pool(used), _Pool(used)
    for first, last, value in spaced_numbers([one.item for one in target], texts[1]):
        runs.add(("numbers", value), range(first, last + 1))
    for place, one in enumerate(target):
        for meaning in meanings(one.item):
            near.add((meaning, looked_at[one.word]), range(place, place + 1))
            anywhere.add(meaning, range(place, place + 1))
    for first, last, value in spaced_numbers([one.item for one in source], texts[0]):
        if found := runs.take([("numbers", value)]) or anywhere.take([("numbers", value)]):
            matched |= dict.fromkeys(range(first, last + 1), found[0])
    for pool in (near, anywhere, runs):
        for place, one in enumerate(source):
            if place not in matched:
                keys = [(meaning, one.word) if pool is near else meaning for meaning in meanings(one.item)]
                if found := pool.take(keys):
                    matched[place] = found[0]
    return matched, used


class _Pool:
    """What of the translation can be taken, by what it is; what is taken is gone from all pools that share `used`."""

    def __init__(self, used: set[int]) -> None:
        self._used = used
        self._waiting: dict[Hashable, deque[range]] = defaultdict(deque)

    def add(self, key: Hashable, places: range) -> None:
        self._waiting[key].append(places)

    def take(self, keys: Iterable[Hashable]) -> range | None:
        """The first places under one of the keys that nothing has taken yet."""
        for key in keys:
            waiting = self._waiting.get(key, ())
            while waiting:
                places = waiting.popleft()
                if self._used.isdisjoint(places):
                    self._used.update(places)
                    return places
        return None
