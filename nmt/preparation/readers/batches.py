"""Batches of pairs, as readers yield them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nmt.io.lines import MAX_LINE_BYTES

_MOST_PAIRS = 4096
_MOST_CHARACTERS = 1 << 22


class PairBatch(NamedTuple):
    """Neighbouring pairs of a file, 1 to some thousands, of some megabytes at most."""

    file: str
    numbers: list[int]  # of the pairs in their file, counted from 1
    sources: list[str]
    targets: list[str]
    too_long: frozenset[int] = frozenset()  # numbers of the pairs that were not read, since they are too long


class BatchBuilder:
    """Gathers pairs that come one by one."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._empty()

    def _empty(self) -> None:
        self._numbers: list[int] = []
        self._sides: tuple[list[str], list[str]] = ([], [])
        self._too_long: set[int] = set()
        self._characters = 0

    def add(self, number: int, source: str | None, target: str | None) -> None:
        """Adds a pair; None stands for a text that was too long to be kept."""
        self._numbers.append(number)
        for side, text in zip(self._sides, (source, target), strict=True):
            if text is None or len(text) > MAX_LINE_BYTES:
                self._too_long.add(number)
                text = ""
            side.append(text)
            self._characters += len(text)

    def full(self) -> Iterator[PairBatch]:
        """Yields the batch if it is full, which begins the next."""
        if len(self._numbers) >= _MOST_PAIRS or self._characters >= _MOST_CHARACTERS:
            yield from self.rest()

    def rest(self) -> Iterator[PairBatch]:
        """Yields the batch if it holds anything, which begins the next."""
        if self._numbers:
            batch = PairBatch(self._file, self._numbers, *self._sides, frozenset(self._too_long))
            self._empty()
            yield batch
