"""Repetition of words and of letters, as when a decoder runs in a loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

LONGEST_PERIOD = 10
"""Maximum length of a repeated sequence of words."""

LONGEST_UNIT = 12
"""Maximum length of a repeated sequence of characters inside a word."""

FEWEST_TIMES = {"letter": 4, "letters": 3, "sign": 8}
"""Minimum number of repetitions of a letter, of a sequence with letters, and of any other character."""


def repeated_words(words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Finds sequences of at most `LONGEST_PERIOD` words that are repeated at once.

    A single word counts from three times in a row, several from two; case does not matter.

    Yields:
        the first word, the last word, and the number of repetitions.
    """
    numbers: dict[str, int] = {}
    coded = np.array([numbers.setdefault(word.casefold(), len(numbers)) for word in words], dtype=np.int64)
    for period in range(1, LONGEST_PERIOD + 1):
        for start, stop in _runs(coded, period):
            times = (stop - start) // period
            if times >= (3 if period == 1 else 2):
                yield start, start + times * period - 1, times


def repeated_letters(text: str) -> Iterator[tuple[int, int]]:
    """Finds sequences of at most `LONGEST_UNIT` characters that are repeated inside a word, `FEWEST_TIMES` or more.

    Of several ways to divide the same letters, each is found.

    Yields:
        where in the text the repetition starts, and the number of repetitions.
    """
    codes = [-position if character.isspace() else ord(character) for position, character in enumerate(text, 1)]
    coded = np.array(codes)
    are_letters = [character.isalnum() and not character.isdecimal() for character in text]
    letters_before = np.concatenate([[0], np.cumsum(are_letters)])
    for period in range(1, LONGEST_UNIT + 1):
        for start, stop in _runs(coded, period):
            # A repeated sequence has as many letters wherever it is taken to begin.
            has_letters = letters_before[start + period] > letters_before[start]
            kind = ("letter" if period == 1 else "letters") if has_letters else "sign"
            times = (stop - start) // period
            if times >= FEWEST_TIMES[kind] and (has_letters or period == 1):
                yield start, times


def _runs(values: NDArray[np.int64], period: int) -> Iterator[tuple[int, int]]:
    """Finds the stretches, (start, stop), in which each value equals the one `period` before it, if there is one."""
    if len(values) <= period:
        return
    same = np.concatenate([[False], values[period:] == values[:-period], [False]])
    edges = np.flatnonzero(same[1:] != same[:-1])
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield start, stop + period
