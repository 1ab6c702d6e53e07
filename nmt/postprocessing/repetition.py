"""Words and letters that come again and again, as when a decoder cannot get away from a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

LONGEST_PERIOD = 10
"""Words at most of what comes again."""

LONGEST_UNIT = 12
"""Characters at most of what comes again inside a word."""

FEWEST_TIMES = {"letter": 4, "letters": 3, "sign": 8}
"""How often a letter, several of them (or letters among others), and another character must come to count."""


def repeated_words(words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """First, last and number of repetitions of what comes again at once, at most `LONGEST_PERIOD` words long.

    A single word counts from three times in a row, several from two; capitals do not matter.
    """
    numbers: dict[str, int] = {}
    coded = np.array([numbers.setdefault(word.casefold(), len(numbers)) for word in words], dtype=np.int64)
    for period in range(1, LONGEST_PERIOD + 1):
        for start, stop in _runs(coded, period):
            times = (stop - start) // period
            if times >= (3 if period == 1 else 2):
                yield start, start + times * period - 1, times


def repeated_letters(text: str) -> Iterator[tuple[int, int]]:
    """Where in a text letters come again and again inside a word, and how often, by `FEWEST_TIMES`.

    What is at most `LONGEST_UNIT` characters long counts; of several ways to see the same letters, each is told.
    """
    coded = np.array([-place if character.isspace() else ord(character) for place, character in enumerate(text, 1)])
    are_letters = [character.isalnum() and not character.isdecimal() for character in text]
    letters_before = np.concatenate([[0], np.cumsum(are_letters)])
    for period in range(1, LONGEST_UNIT + 1):
        for start, stop in _runs(coded, period):
            # What comes again has as many letters wherever it is taken to begin.
            has_letters = letters_before[start + period] > letters_before[start]
            kind = ("letter" if period == 1 else "letters") if has_letters else "sign"
            times = (stop - start) // period
            if times >= FEWEST_TIMES[kind] and (has_letters or period == 1):
                yield start, times


def _runs(values: NDArray[np.int64], period: int) -> Iterator[tuple[int, int]]:
    """The stretches, (start, stop), in which each value is that of `period` places before, where there is one."""
    if len(values) <= period:
        return
    same = np.concatenate([[False], values[period:] == values[:-period], [False]])
    edges = np.flatnonzero(same[1:] != same[:-1])
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield start, stop + period
