"""How well words are translated, by how frequent they are."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

BOUNDS = (0, 1, 2, 3, 5, 10, 100, 1000)
"""The least frequency of each bin; each ends before the next begins, and the last does not end."""

Tokenize = Callable[[str], Sequence[str]]


class WordScore(NamedTuple):
    """How well one translation has the words of a bin.

    Attributes:
        words: how many of them it has.
        matched: how many of these are in the reference of their sentence, each counted as often as it is there at most.
        precision, recall, f1: matched / words, matched / words of the reference, and their harmonic mean, in [0, 1];
            None where there is nothing to divide by, and F1 where the reference has no such words.
    """

    words: int
    matched: int
    precision: float | None
    recall: float | None
    f1: float | None

    @classmethod
    def of(cls, words: int, matched: int, reference: int) -> WordScore:
        """The score by its counts; `reference` are words of the references."""
        f1 = _share(2 * matched, words + reference) if reference else None
        return cls(words, matched, _share(matched, words), _share(matched, reference), f1)


class FrequencyBin(NamedTuple):
    """Words of like frequency, and how well both translations have them.

    Attributes:
        low, high: the frequency, both included; no `high` for the last bin.
        words: how many of them the references have.
        a, b: the translations.
    """

    low: int
    high: int | None
    words: int
    a: WordScore
    b: WordScore

    @property
    def label(self) -> str:
        """`5-9`, `1000+` or `1`."""
        if self.high is None:
            return f"{self.low}+"
        return f"{self.low}-{self.high}" if self.low < self.high else f"{self.low}"


def count_words(lines: Iterable[str], tokenize: Tokenize, known: Iterable[str]) -> Counter[str]:
    """How often each word of `known` occurs in the lines; other words are not held."""
    wanted = frozenset(known)
    frequencies: Counter[str] = Counter()
    for line in lines:
        frequencies.update(word for word in tokenize(line) if word in wanted)
    return frequencies


def words_of(*texts: Sequence[str], tokenize: Tokenize) -> set[str]:
    """The different words of some texts."""
    return {word for lines in texts for line in lines for word in tokenize(line)}


def scores_by_frequency(
    a: Sequence[str], b: Sequence[str], reference: Sequence[str], *, tokenize: Tokenize, frequencies: Counter[str]
) -> list[FrequencyBin]:
    """How well the words of each bin are translated; bins of which no text has a word are left out.

    Args:
        a, b: the translations.
        reference: what they are compared with, sentence by sentence, as bags of words.
        tokenize: a line to words.
        frequencies: how often a word occurs.
    """
    in_reference, (in_a, matched_a), (in_b, matched_b) = [0] * len(BOUNDS), _nothing(), _nothing()
    for lines in zip(a, b, reference, strict=True):
        of_a, of_b, expected = (Counter(tokenize(line)) for line in lines)
        _add(in_reference, expected, frequencies)
        for words, totals, matches in ((of_a, in_a, matched_a), (of_b, in_b, matched_b)):
            _add(totals, words, frequencies)
            _add(matches, words & expected, frequencies)
    ends = [bound - 1 for bound in BOUNDS[1:]]
    return [
        FrequencyBin(
            low,
            high,
            in_reference[place],
            WordScore.of(in_a[place], matched_a[place], in_reference[place]),
            WordScore.of(in_b[place], matched_b[place], in_reference[place]),
        )
        for place, (low, high) in enumerate(zip(BOUNDS, [*ends, None], strict=True))
        if in_reference[place] or in_a[place] or in_b[place]
    ]


def _nothing() -> tuple[list[int], list[int]]:
    return [0] * len(BOUNDS), [0] * len(BOUNDS)


def _add(totals: list[int], words: Counter[str], frequencies: Counter[str]) -> None:
    for word, number in words.items():
        totals[bisect_right(BOUNDS, frequencies[word]) - 1] += number


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
