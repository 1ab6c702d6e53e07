"""Words and letters that come again and again, as when a decoder cannot get away from a place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

LONGEST_PERIOD = 10
"""Words at most of what comes again."""

# The same letter at least four times, a few at least three times; signs and digits at least eight times.
_IN_A_WORD = re.compile(r"([^\W\d_])\1{3,}|(?=\S*[^\W\d_])(\S{2,12}?)\2{2,}|(\S)\3{7,}")


def repeated_words(words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """First, last and number of repetitions of what comes again at once, at most `LONGEST_PERIOD` words long.

    A single word counts from three times in a row, several from two; capitals do not matter.
    """
    numbers: dict[str, int] = {}
    coded = np.array([numbers.setdefault(word.casefold(), len(numbers)) for word in words], dtype=np.int64)
    for period in range(1, min(LONGEST_PERIOD, len(coded) // 2) + 1):
        same = np.concatenate([[False], coded[period:] == coded[:-period], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            times = 1 + (stop - start) // period
            if times >= (3 if period == 1 else 2):
                yield start, start + times * period - 1, times


def repeated_letters(text: str) -> Iterator[tuple[int, int]]:
    """Where in a text letters come again and again inside a word, and how often."""
    for found in _IN_A_WORD.finditer(text):
        unit = found[1] or found[2] or found[3]
        yield found.start(), len(found[0]) // len(unit)
