"""sacreBLEU's chrF and TER, with bootstrap samples of one number type: works around a fault of sacreBLEU."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from sacrebleu.metrics.base import Score as SacrebleuScore
from sacrebleu.metrics.chrf import CHRF, CHRFScore
from sacrebleu.metrics.ter import TER, TERScore

# The fault, in sacreBLEU 2.6.0: the statistics of a bootstrap are float32, and so are the scores made of them, except
# for those that are constants: chrF's 0 of a sample in which nothing matches, TER's 0 or 100 of one whose references
# are all empty. `statistics.mean` refuses to mix the two types, so that small test sets have no interval:
#
#     from sacrebleu.metrics import CHRF, TER
#     for metric in CHRF(), TER():
#         metric.corpus_score(["same", "x"], [["same", ""]], n_bootstrap=20)
#     # TypeError: don't know how to coerce float and float32
#
# No released version is known to have mended it. When these lines run without an error with the oldest sacreBLEU that
# pyproject.toml allows, delete this file and let `nmt.evaluation.metrics.build_metric` return CHRF() and TER();
# `test_samples_in_which_nothing_matches_count_in_an_interval` guards both.

AnyScore = TypeVar("AnyScore", bound=SacrebleuScore)


class SampledCHRF(CHRF):
    """chrF that can be bootstrapped whatever its samples are."""

    def _compute_score_from_stats(self, stats: Any) -> CHRFScore:
        return _typed_as(stats, super()._compute_score_from_stats(stats))


class SampledTER(TER):
    """TER that can be bootstrapped whatever its samples are."""

    def _compute_score_from_stats(self, stats: Any) -> TERScore:
        return _typed_as(stats, super()._compute_score_from_stats(stats))


def _typed_as(stats: Any, result: AnyScore) -> AnyScore:
    """Gives the score the type of its statistics where they are an array, which is those of a sample."""
    if isinstance(stats, np.ndarray):
        result.score = stats.dtype.type(result.score)
    return result
