"""Examples of a comparison: the sentences in which two translations differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING

from nmt.alignment.attention_matrix import AttentionMatrix

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


@dataclass(frozen=True)
class ExampleDifference:
    """A sentence that one translation has better than the other.

    Attributes:
        line: its number, from 1.
        source: None where it is not known.
        references: one at least.
        a, b: the translations.
        score_a, score_b: sentence-level chrF2 of each.
        attention_a, attention_b: of the words of each; None where it is not known or not asked for.
    """

    line: int
    source: str | None
    references: tuple[str, ...]
    a: str
    b: str
    score_a: float
    score_b: float
    attention_a: AttentionMatrix | None = None
    attention_b: AttentionMatrix | None = None

    @property
    def difference(self) -> float:
        """B's score minus A's."""
        return self.score_b - self.score_a


def largest_differences(
    a: Sequence[str],
    b: Sequence[str],
    references: Sequence[Sequence[str]],
    source: Sequence[str] | None,
    *,
    chrf: Metric,
    count: int,
) -> list[ExampleDifference]:
    """Finds the sentences that A has better than B, then those that B has better, of each the largest difference first.

    They are `count` each at most, and judged by sacreBLEU's chrF, which is meaningful for single sentences, too.
    Translations and references are stripped at the end of their lines; the source is None where it is not known.
    """
    found: list[ExampleDifference] = []
    for index, (text_a, text_b, *expected) in enumerate(zip(a, b, *references, strict=True)):
        if text_a == text_b:
            continue
        score_a, score_b = (float(chrf.sentence_score(text, expected).score) for text in (text_a, text_b))
        line = None if source is None else source[index]
        found.append(ExampleDifference(index + 1, line, tuple(expected), text_a, text_b, score_a, score_b))
    better_a = nsmallest(count, (one for one in found if one.difference < 0), key=lambda one: one.difference)
    better_b = nlargest(count, (one for one in found if one.difference > 0), key=lambda one: one.difference)
    return better_a + better_b
