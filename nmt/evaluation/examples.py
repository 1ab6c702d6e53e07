"""The sentences in which two translations differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING, NamedTuple

from nmt.alignment.words import Weights

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


class Look(NamedTuple):
    """The attention of a translation: source words, words of the translation, and (words of it, source words) weights,
    each row summing to 1."""

    source: list[str]
    target: list[str]
    weights: Weights


@dataclass(frozen=True)
class Difference:
    """A sentence that one translation has better than the other.

    Attributes:
        line: its number, from 1.
        source: None where it is not known.
        references: one at least.
        a, b: the translations.
        score_a, score_b: sentence-level chrF2 of each.
        attention_a, attention_b: what each looked at; None where that is not known or not asked for.
    """

    line: int
    source: str | None
    references: tuple[str, ...]
    a: str
    b: str
    score_a: float
    score_b: float
    attention_a: Look | None = None
    attention_b: Look | None = None

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
    most: int,
) -> tuple[list[Difference], list[Difference]]:
    """The sentences that A has better than B, and those that B has better, the largest difference first.

    Args:
        a, b, references: translations and references, lines stripped at their end.
        source: what was translated, where it is known.
        chrf: sacreBLEU's chrF, which says something of single sentences, too.
        most: sentences at most in each list.
    """
    found: list[Difference] = []
    for place, (of_a, of_b, *expected) in enumerate(zip(a, b, *references, strict=True)):
        if of_a == of_b:
            continue
        score_a, score_b = (float(chrf.sentence_score(text, expected).score) for text in (of_a, of_b))
        text = None if source is None else source[place]
        found.append(Difference(place + 1, text, tuple(expected), of_a, of_b, score_a, score_b))
    better_a = nsmallest(most, (one for one in found if one.difference < 0), key=lambda one: one.difference)
    better_b = nlargest(most, (one for one in found if one.difference > 0), key=lambda one: one.difference)
    return better_a, better_b
