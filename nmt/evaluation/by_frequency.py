"""Precision, recall and F1 of words by their frequency."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

BOUNDS = (0, 1, 2, 3, 5, 10, 100, 1000)
"""The least frequency of each bin; each ends before the next begins, and the last does not end."""

Tokenize = Callable[[str], Sequence[str]]


class WordScore(NamedTuple):
    """Precision, recall and F1 of one translation's words in a bin.

    Attributes:
        words: number of them in the translation.
        matched: number of these in the reference of their sentence, each counted at most as often as it is there.
        precision, recall, f1: matched / words, matched / words of the reference, and their harmonic mean, in [0, 1];
            None where there is nothing to divide by, and F1 where the reference has no such words.
    """

    words: int
    matched: int
    precision: float | None
    recall: float | None
    f1: float | None

    @classmethod
    def from_counts(cls, words: int, matched: int, reference: int) -> WordScore:
        """Computes the score from its counts; `reference` counts the words of the references."""
        f1 = _ratio(2 * matched, words + reference) if reference else None
        return cls(words, matched, _ratio(matched, words), _ratio(matched, reference), f1)


class FrequencyBin(NamedTuple):
    """Words of like frequency, with the scores of both translations.

    Attributes:
        low, high: the frequency, both included; no `high` for the last bin.
        words: number of them in the references.
        a, b: scores of the translations.
    """

    low: int
    high: int | None
    words: int
    a: WordScore
    b: WordScore


def count_words(lines: Iterable[str], tokenize: Tokenize, known: Iterable[str]) -> Counter[str]:
    """Counts each word of `known` in the lines; other words are not held."""
    wanted = frozenset(known)
    return Counter(word for line in lines for word in tokenize(line) if word in wanted)


def distinct_words(*texts: Sequence[str], tokenize: Tokenize) -> set[str]:
    """Returns the different words of some texts."""
    return {word for lines in texts for line in lines for word in tokenize(line)}


def scores_by_frequency(
    a: Sequence[str], b: Sequence[str], reference: Sequence[str], *, tokenize: Tokenize, frequencies: Counter[str]
) -> list[FrequencyBin]:
    """Scores the words of each bin by comparing sentences as bags of words; bins of which no text has a word are left
    out."""
    in_reference, in_a, matched_a, in_b, matched_b = ([0] * len(BOUNDS) for _ in range(5))
    for lines in zip(a, b, reference, strict=True):
        words_a, words_b, expected = (Counter(tokenize(line)) for line in lines)
        _add(in_reference, expected, frequencies)
        for words, totals, matches in ((words_a, in_a, matched_a), (words_b, in_b, matched_b)):
            _add(totals, words, frequencies)
            _add(matches, words & expected, frequencies)
    ends = [bound - 1 for bound in BOUNDS[1:]]
    return [
        FrequencyBin(
            low,
            high,
            in_reference[index],
            WordScore.from_counts(in_a[index], matched_a[index], in_reference[index]),
            WordScore.from_counts(in_b[index], matched_b[index], in_reference[index]),
        )
        for index, (low, high) in enumerate(zip(BOUNDS, [*ends, None], strict=True))
        if in_reference[index] or in_a[index] or in_b[index]
    ]


def _add(totals: list[int], words: Counter[str], frequencies: Counter[str]) -> None:
    for word, number in words.items():
        totals[bisect_right(BOUNDS, frequencies[word]) - 1] += number


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
