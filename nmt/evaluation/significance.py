"""The significance of a difference between two translations of a test set, by sacreBLEU's paired tests."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nmt.errors import ConfigError
from nmt.evaluation.metrics import TITLES, Bootstrap, Score, score_with

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric
    from sacrebleu.significance import Result

SAMPLES = {"bootstrap": 1000, "randomization": 10_000, "none": 0}
"""The tests, each with its usual number of samples."""

TEST_TITLES = {"bootstrap": "paired bootstrap", "randomization": "approximate randomization"}
"""Name of each test in the literature."""

LEVEL = 0.05
"""p-values below this are called significant."""

FEW_SENTENCES = 30
"""Below as many sentences, no test can tell a difference from chance."""

MAX_BYTES = 4 << 30
"""Maximum memory of a paired test, which holds all its samples at once."""

_SACREBLEU = {"bootstrap": "bs", "randomization": "ar"}

# Number of statistics that each metric keeps of a sentence.
_STATISTICS = {"bleu": 10, "chrf": 18, "ter": 2}


@dataclass(frozen=True)
class PairedScore:
    """The scores of two translations by one metric.

    Attributes:
        a, b: the scores, with the same signature; after the bootstrap, each with its interval.
        p_value: probability of so large a difference by chance; None without a test, and for equal scores, which
            sacreBLEU's bootstrap can find to differ.
    """

    a: Score
    b: Score
    p_value: float | None

    @property
    def difference(self) -> float:
        """B's score minus A's."""
        return self.b.score - self.a.score

    @property
    def is_significant(self) -> bool:
        """True if the difference is more than chance, at `LEVEL`."""
        return self.p_value is not None and self.p_value < LEVEL


def seed_of_tests() -> str:
    """Returns the seed that sacreBLEU's tests take: a number, or `none`."""
    return os.environ.get("SACREBLEU_SEED", "12345").lower()


def check_test(metrics: Sequence[str], test: str, samples: int, sentences: int) -> None:
    """Refuses a test that would take more than `MAX_BYTES`.

    Raises:
        ConfigError: it would, and the largest possible number of samples is named; or sacreBLEU's tests do not keep to
            the seed.
    """
    if test == "none":
        return
    if (seed := seed_of_tests()).isdecimal() and int(seed) == 0:
        raise ConfigError("SACREBLEU_SEED", "0 is no seed to sacreBLEU's paired tests: expected a number above 0")
    # The bootstrap holds an index and statistics in float32; the randomization two booleans, one of them as an integer.
    each = 8 + 4 * max(_STATISTICS[metric] for metric in metrics) if test == "bootstrap" else 2 + 8
    most = MAX_BYTES // (each * sentences)
    if samples > most:
        what = f"{samples} samples of {sentences:,} sentences take more than {MAX_BYTES >> 30} GiB of memory"
        raise ConfigError("--samples", f"{what}: expected at most {most}, or --test none")


def paired_scores(
    a: Sequence[str],
    b: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Mapping[str, Metric],
    test: str,
    samples: int,
) -> dict[str, PairedScore]:
    """Scores two translations by each metric, and tests their difference.

    Args:
        a, b, references: translations and references, lines stripped at their end.
        metrics: sacreBLEU's, by our names for them.
        test: `bootstrap` (Koehn 2004), `randomization` (approximate; Riezler and Maxwell 2005) or `none`.
        samples: of the test. Its seed is sacreBLEU's: 12345, or what SACREBLEU_SEED says.
    """
    if test == "none":
        both = {name: [score_with(metric, one, references, 0) for one in (a, b)] for name, metric in metrics.items()}
        return {name: PairedScore(of_a, of_b, None) for name, (of_a, of_b) in both.items()}
    from sacrebleu.significance import PairedTest, Result

    named, kind = [("A", a), ("B", b)], _SACREBLEU[test]
    signatures, results = PairedTest(named, metrics, references, test_type=kind, n_samples=samples, n_jobs=1)()
    scores = {}
    for name in metrics:
        title = TITLES[name]
        result_a, result_b = (result for result in results[title] if isinstance(result, Result))
        signature = signatures[title].format()
        score_a, score_b = (_score(result, signature, samples) for result in (result_a, result_b))
        # Of scores that are the same in every sample, sacreBLEU's bootstrap finds none that differ less.
        scores[name] = PairedScore(score_a, score_b, None if score_a.score == score_b.score else result_b.p_value)
    return scores


def _score(result: Result, signature: str, samples: int) -> Score:
    if result.mean is None or result.ci is None:
        return Score(float(result.score), signature)
    mean, half = float(result.mean), float(result.ci)
    return Score(float(result.score), signature, Bootstrap(samples, mean, (mean - half, mean + half)))
