"""Scores by the length of sentences: Bahdanau et al. (2015, arXiv:1409.0473, figure 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from nmt.evaluation.metrics import Score, score_with

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

MAX_BINS = 10
MIN_SHARE = 50
"""Of n sentences a bin has n / 50 at least, so that its score is meaningful."""


@dataclass(frozen=True)
class LengthBin:
    """Sentences of like length, with the scores of both translations.

    Attributes:
        low, high: the length in words, both included.
        sentences: number of them.
        mean: their mean length.
        a, b: scores of the translations; of a single sentence, which resampling does not change, without an interval.
    """

    low: int
    high: int
    sentences: int
    mean: float
    a: Score
    b: Score


def scores_by_length(
    lengths: Sequence[int],
    a: Sequence[str],
    b: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metric: Metric,
    bootstrap: int,
) -> list[LengthBin]:
    """Scores the sentences of each bin, whose `lengths` are in words; the other arguments are those of `score_with`."""
    bins = []
    for low, high in length_bins(lengths):
        indices = [index for index, length in enumerate(lengths) if low <= length <= high]
        expected = [[lines[index] for index in indices] for lines in references]
        samples = bootstrap if len(indices) > 1 else 0
        score_a, score_b = (
            score_with(metric, [lines[index] for index in indices], expected, samples) for lines in (a, b)
        )
        mean = sum(lengths[index] for index in indices) / len(indices)
        bins.append(LengthBin(low, high, len(indices), mean, score_a, score_b))
    return bins


def length_bins(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Returns the least and the greatest length of each bin; every sentence is in one.

    The width of bins is 1, 2 or 5 times a power of ten, the least with which `MAX_BINS` bins reach all sentences but
    the longest fiftieth; the last bin takes these, too. Bins of few sentences are joined.
    """
    ordered = sorted(lengths)
    reach = ordered[min(len(ordered) - 1, len(ordered) * (MIN_SHARE - 1) // MIN_SHARE)]
    widths = (step * 10**power for power in count() for step in (1, 2, 5))
    width = next(width for width in widths if width * MAX_BINS >= reach)
    least = max(1, len(ordered) // MIN_SHARE)
    bins: list[tuple[int, int]] = []
    low, held = min(1, ordered[0]), 0
    in_bin = Counter(min(MAX_BINS - 1, max(0, length - 1) // width) for length in ordered)
    for index in sorted(in_bin):
        held += in_bin[index]
        if held >= least:
            bins.append((low, (index + 1) * width))
            low, held = (index + 1) * width + 1, 0
    first_of_last = bins.pop()[0] if bins else low
    return [*bins, (first_of_last, ordered[-1])]
