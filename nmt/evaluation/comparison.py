"""The comparison of two translations of one test set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nmt.evaluation.by_frequency import FrequencyBin, count_words, distinct_words, scores_by_frequency
from nmt.evaluation.by_length import LengthBin, scores_by_length
from nmt.evaluation.examples import ExampleDifference, largest_differences
from nmt.evaluation.metrics import METRICS, Text, build_metric, split_words, stripped, warn_of_tokenized
from nmt.evaluation.significance import FEW_SENTENCES, SAMPLES, PairedScore, paired_scores, seed_of_tests

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


@dataclass(frozen=True)
class ComparisonMethod:
    """The method of a comparison.

    Attributes:
        metrics: some of `nmt.evaluation.metrics.METRICS`.
        tokenize: sacreBLEU's tokenizer for BLEU, which makes the words whose frequency is counted, too.
        lowercase: ignore case in BLEU and in these words.
        test: the significance test: `bootstrap`, `randomization` or `none`.
        samples: number of samples of the test; its usual number by default.
        examples: maximum number of sentences that A has better than B, and of those that B has better.
    """

    metrics: Sequence[str] = METRICS
    tokenize: str = "13a"
    lowercase: bool = False
    test: str = "bootstrap"
    samples: int | None = None
    examples: int = 5

    @property
    def sample_count(self) -> int:
        """Number of samples of the test."""
        return SAMPLES[self.test] if self.samples is None else self.samples

    def build_metric(self, name: str) -> Metric:
        """Builds sacreBLEU's metric of that name."""
        return build_metric(name, self.tokenize, lowercase=self.lowercase)

    @property
    def metric_of_lengths(self) -> str:
        """Metric of the scores by length: BLEU, or the first of `metrics` where BLEU is none of them."""
        return "bleu" if "bleu" in self.metrics else self.metrics[0]


@dataclass(frozen=True)
class Comparison:
    """Two translations, compared.

    Attributes:
        a, b: their names.
        references: the names of the references.
        sentences: number of them.
        method: how they were compared.
        scores: by metric.
        lengths: scores by the length of the source or, where that is not known, of the first reference, in words.
        by_source: True if that length is the source's.
        frequencies: scores of words by their frequency; the words are those of the first reference.
        frequency_name: name of the text in which words are counted.
        examples: the sentences that A has better than B, then those that B has better, the largest difference first.
        identical: True if the translations are the same in every line.
        seed: of the test; `none` where every run draws other samples.
        attention: kind of attention of the models that made A and B, as the configuration calls it; that of several
            models is the first's that has some. None for a finished translation, and where attention is not asked for.
    """

    a: str
    b: str
    references: tuple[str, ...]
    sentences: int
    method: ComparisonMethod
    scores: Mapping[str, PairedScore]
    lengths: Sequence[LengthBin]
    by_source: bool
    frequencies: Sequence[FrequencyBin]
    frequency_name: str
    examples: Sequence[ExampleDifference]
    identical: bool
    seed: str
    attention: tuple[str | None, str | None] = (None, None)

    @property
    def is_small(self) -> bool:
        """True if the sentences are too few for a test to tell a difference from chance."""
        return self.sentences < FEW_SENTENCES

    def without_attention(self) -> Comparison:
        """Returns the comparison without the attention of its examples."""
        plain = [replace(example, attention_a=None, attention_b=None) for example in self.examples]
        return replace(self, examples=plain, attention=(None, None))


def compare(
    a: Text,
    b: Text,
    references: Sequence[Text],
    source: Sequence[str] | None,
    *,
    method: ComparisonMethod,
    frequency: tuple[str, Iterable[str]] | None = None,
) -> Comparison:
    """Compares two translations of the same sentences, of which there are some.

    Args:
        a, b: the translations.
        references: one at least, with as many lines.
        source: lines that were translated, where they are known.
        method: of the comparison.
        frequency: name and lines of a text whose words are counted; the first reference by default.
    """
    lines_a, lines_b, expected = stripped(a.lines), stripped(b.lines), [stripped(text.lines) for text in references]
    for lines, name in ((lines_a, a.name), (lines_b, b.name)):
        warn_of_tokenized(lines, expected, name)
    chrf = method.build_metric("chrf")
    counted, text = frequency or (references[0].name, expected[0])
    metrics = {name: method.build_metric(name) for name in method.metrics}
    lengths = [len(line.split()) for line in (expected[0] if source is None else source)]
    bootstrap = method.sample_count if method.test == "bootstrap" else 0
    return Comparison(
        a=a.name,
        b=b.name,
        references=tuple(text.name for text in references),
        sentences=len(lines_a),
        method=method,
        scores=paired_scores(
            lines_a, lines_b, expected, metrics=metrics, test=method.test, samples=method.sample_count
        ),
        lengths=scores_by_length(
            lengths,
            lines_a,
            lines_b,
            expected,
            metric=method.build_metric(method.metric_of_lengths),
            bootstrap=bootstrap,
        ),
        by_source=source is not None,
        frequencies=_frequencies(lines_a, lines_b, expected[0], text, method),
        frequency_name=counted,
        examples=largest_differences(lines_a, lines_b, expected, source, chrf=chrf, count=method.examples),
        identical=lines_a == lines_b,
        seed=seed_of_tests(),
    )


def _frequencies(
    a: Sequence[str], b: Sequence[str], reference: Sequence[str], text: Iterable[str], method: ComparisonMethod
) -> list[FrequencyBin]:
    """Scores words by their frequency in `text`."""
    split = split_words(method.tokenize, lowercase=method.lowercase)
    counts = count_words(text, split, distinct_words(a, b, reference, tokenize=split))
    return scores_by_frequency(a, b, reference, tokenize=split, frequencies=counts)
