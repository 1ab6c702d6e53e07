"""sacreBLEU's chrF and TER, whose scores of samples are all of one type.

sacreBLEU (2.6) computes the samples of a bootstrap in float32, but gives a plain 0 or 100 for a sample in which nothing
matches, or whose references are all empty. Python's `statistics.mean` refuses to mix the two, so that the interval of a
few lines of which one is like that would fail.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from sacrebleu.metrics.base import Score
from sacrebleu.metrics.chrf import CHRF, CHRFScore
from sacrebleu.metrics.ter import TER, TERScore

AnyScore = TypeVar("AnyScore", bound=Score)


class SampledCHRF(CHRF):
    """chrF."""

    def _compute_score_from_stats(self, stats: Any) -> CHRFScore:
        return _typed_as(stats, super()._compute_score_from_stats(stats))


class SampledTER(TER):
    """TER."""

    def _compute_score_from_stats(self, stats: Any) -> TERScore:
        return _typed_as(stats, super()._compute_score_from_stats(stats))


def _typed_as(stats: Any, result: AnyScore) -> AnyScore:
    """The score in the type of its statistics, where they are those of a sample: an array."""
    if isinstance(stats, np.ndarray):
        result.score = stats.dtype.type(result.score)
    return result
