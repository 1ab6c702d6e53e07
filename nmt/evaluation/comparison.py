"""Everything that is found out about two translations of one test set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nmt.evaluation.by_frequency import FrequencyBin, count_words, scores_by_frequency, words_of
from nmt.evaluation.by_length import LengthBin, scores_by_length
from nmt.evaluation.examples import Difference, largest_differences
from nmt.evaluation.metrics import METRICS, Text, build_metric, split_words, stripped, warn_of_tokenized
from nmt.evaluation.significance import FEW_SENTENCES, SAMPLES, PairedScore, paired_scores, seed_of_tests

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


@dataclass(frozen=True)
class Method:
    """How to compare.

    Attributes:
        metrics: some of `nmt.evaluation.metrics.METRICS`.
        tokenize: sacreBLEU's tokenizer for BLEU; it makes the words whose frequency is counted, too.
        lowercase: ignore case in BLEU and in these words.
        test: the significance test: `bootstrap`, `randomization` or `none`.
        samples: of the test; its usual number by default.
        most: sentences at most that one translation has better than the other, and the same for the other.
    """

    metrics: Sequence[str] = METRICS
    tokenize: str = "13a"
    lowercase: bool = False
    test: str = "bootstrap"
    samples: int | None = None
    most: int = 5

    @property
    def sample_count(self) -> int:
        """The samples of the test."""
        return SAMPLES[self.test] if self.samples is None else self.samples

    @property
    def metric_of_lengths(self) -> str:
        """The metric of the scores by length: BLEU, or the first of those that were chosen without it."""
        return "bleu" if "bleu" in self.metrics else self.metrics[0]


@dataclass(frozen=True)
class Comparison:
    """Two translations side by side.

    Attributes:
        a, b: their names.
        references: the names of the references.
        sentences: how many there are.
        method: how they were compared.
        scores: by metric.
        lengths: scores by the length of the source or, where that is not known, of the first reference, in words.
        by_source: whether it is that of the source.
        frequencies: how well words are translated, by their frequency; the words are those of the first reference.
        frequency_name: where the frequency comes from.
        better_a, better_b: the sentences that A has better than B, and the other way round, the largest difference
            first.
        identical: whether the translations are the same in every line.
        seed: of the test; `none` where every run draws other samples.
        attention: the attention of the models that made A and B, as the configuration calls it; None for a finished
            translation, and where attention is not asked for.
    """

    a: str
    b: str
    references: tuple[str, ...]
    sentences: int
    method: Method
    scores: Mapping[str, PairedScore]
    lengths: Sequence[LengthBin]
    by_source: bool
    frequencies: Sequence[FrequencyBin]
    frequency_name: str
    better_a: Sequence[Difference]
    better_b: Sequence[Difference]
    identical: bool
    seed: str
    attention: tuple[str | None, str | None] = (None, None)

    @property
    def is_small(self) -> bool:
        """Whether the sentences are too few for a test to tell what is chance."""
        return self.sentences < FEW_SENTENCES

    @property
    def differences(self) -> list[Difference]:
        """Those of both lists."""
        return [*self.better_a, *self.better_b]

    def without_attention(self) -> Comparison:
        """The same, but for what models looked at."""
        plain = [replace(one, attention_a=None, attention_b=None) for one in self.differences]
        return replace(self.with_differences(plain), attention=(None, None))

    def with_differences(self, differences: Sequence[Difference]) -> Comparison:
        """The same with `differences`, as many, in place of `self.differences`."""
        first = len(self.better_a)
        return replace(self, better_a=differences[:first], better_b=differences[first:])


def compare(
    a: Text,
    b: Text,
    references: Sequence[Text],
    source: Sequence[str] | None,
    *,
    method: Method,
    frequency: tuple[str, Iterable[str]] | None = None,
) -> Comparison:
    """Compares two translations of the same sentences, of which there are some.

    Args:
        a, b: the translations.
        references: one at least, with as many lines.
        source: what was translated, where it is known.
        method: how.
        frequency: the name and the lines of a text whose words are counted; the first reference by default.
    """
    of_a, of_b, expected = stripped(a.lines), stripped(b.lines), [stripped(text.lines) for text in references]
    for lines, name in ((of_a, a.name), (of_b, b.name)):
        warn_of_tokenized(lines, expected, name)

    def metric(name: str) -> Metric:
        return build_metric(name, method.tokenize, lowercase=method.lowercase)

    lengths = [len(line.split()) for line in (expected[0] if source is None else source)]
    name, text = frequency or (references[0].name, expected[0])
    split = split_words(method.tokenize, lowercase=method.lowercase)
    counts = count_words(text, split, words_of(of_a, of_b, expected[0], tokenize=split))
    better_a, better_b = largest_differences(of_a, of_b, expected, source, chrf=metric("chrf"), most=method.most)
    return Comparison(
        a=a.name,
        b=b.name,
        references=tuple(text.name for text in references),
        sentences=len(of_a),
        method=method,
        scores=paired_scores(
            of_a,
            of_b,
            expected,
            metrics={name: metric(name) for name in method.metrics},
            test=method.test,
            samples=method.sample_count,
        ),
        lengths=scores_by_length(
            lengths,
            of_a,
            of_b,
            expected,
            metric=metric(method.metric_of_lengths),
            bootstrap=method.sample_count if method.test == "bootstrap" else 0,
        ),
        by_source=source is not None,
        frequencies=scores_by_frequency(of_a, of_b, expected[0], tokenize=split, frequencies=counts),
        frequency_name=name,
        better_a=better_a,
        better_b=better_b,
        identical=of_a == of_b,
        seed=seed_of_tests(),
    )
