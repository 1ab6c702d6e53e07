"""The report of a preparation: what was read, what was left out and why, and what the sets are like."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.mending import MEND_MEANINGS
from nmt.io.lines import output_line, without_surrogates
from nmt.libraries import program_version
from nmt.preparation.cleaning import LONGEST
from nmt.preparation.languages import SideLanguage
from nmt.preparation.reasons import MEANINGS, SetReason
from nmt.preparation.store import Fate, PairColumns

FORMAT = "nmt-preparation-1"
"""How a report begins, by which an earlier preparation is recognised."""

EXAMPLES = 3
_SHOWN_CHARACTERS = 300
_ROWS_AT_ONCE = 1 << 20

REASONS = {
    Fate.DUPLICATE: SetReason.DUPLICATE,
    Fate.NEAR_DUPLICATE: SetReason.NEAR_DUPLICATE,
    Fate.LENGTH_DEVIATES: SetReason.LENGTH_DEVIATES,
    Fate.HELD_OUT_SOURCE: SetReason.HELD_OUT_SOURCE,
    Fate.HELD_OUT_TARGET: SetReason.HELD_OUT_TARGET,
}
"""The reasons of what becomes of pairs that are in no set."""


class PairExample(NamedTuple):
    """A pair that was left out."""

    place: str
    source: str
    target: str


class MendExample(NamedTuple):
    """A line that was mended."""

    place: str
    before: str
    after: str


class KindTally:
    """Counts things of several kinds, and keeps the first few of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[tuple[str, ...]]] = {}

    def add(self, kind: str, count: int = 1) -> None:
        """Counts some of a kind."""
        self.counts[kind] += count

    def wants_example(self, kind: str) -> bool:
        """Returns whether a further example of a kind would be kept."""
        return len(self.examples.get(kind, ())) < EXAMPLES

    def add_example(self, kind: str, example: PairExample | MendExample) -> None:
        """Keeps an example, shortened."""
        shown = (output_line(text[:_SHOWN_CHARACTERS]) for text in example)
        self.examples.setdefault(kind, []).append(type(example)(*shown))

    def to_json(self, name: str, meanings: dict[Any, str], noun: str) -> list[dict[str, Any]]:
        """Returns the kinds as JSON values, the most frequent first."""
        return [
            {
                name: str(kind),
                "meaning": meanings[kind],
                noun: count,
                "examples": [one._asdict() for one in self.examples.get(kind, ())],  # type: ignore[attr-defined]
            }
            for kind, count in self.counts.most_common()
        ]


@dataclass(frozen=True)
class LengthSummary:
    """The lengths of one side of the training set, in words or characters; longer ones count as 65,535."""

    mean: float
    median: int
    p90: int
    p99: int
    longest: int

    @classmethod
    def from_histogram(cls, counts: NDArray[np.int64]) -> LengthSummary:
        """Summarises numbers of sentences by their length."""
        total = int(counts.sum())
        sums = np.cumsum(counts)
        median, p90, p99, longest = (int(np.searchsorted(sums, share * total)) for share in (0.5, 0.9, 0.99, 1.0))
        mean = float((counts * np.arange(len(counts))).sum()) / max(1, total)
        return cls(round(mean, 2), median, p90, p99, longest)


@dataclass(frozen=True)
class SideFacts:
    """What one side of the training set is like."""

    words: LengthSummary
    characters: LengthSummary
    sampled_words: int  # words of a sample
    different_words: int  # of them, case and all
    language: SideLanguage


def length_facts(columns: PairColumns) -> list[LengthSummary]:
    """Summarises the lengths of the training set: words of source and target, characters of source and target."""
    histograms = np.zeros((4, LONGEST + 1), np.int64)
    for start in range(0, len(columns), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        lengths = columns.lengths[part][columns.fate[part] == Fate.TRAINING]
        for histogram, values in zip(histograms, lengths.T, strict=True):
            histogram += np.bincount(values, minlength=LONGEST + 1)
    return [LengthSummary.from_histogram(histogram) for histogram in histograms]


@dataclass(frozen=True)
class InputFacts:
    """An input as it was named."""

    path: str
    bytes: int | None  # None where it is no file
    sha256: str | None  # None where it is no file, or a very large one


@dataclass(frozen=True)
class PreparationReport:
    """All that is told of a preparation."""

    seed: int
    clean: str
    source_language: str
    target_language: str
    inputs: tuple[InputFacts, ...]
    swapped: tuple[str, ...]  # files whose sides were exchanged
    read: int
    training: int
    validation: int
    test: int
    sentences: int  # different source sentences of what could be held out
    rejected: KindTally
    mended: KindTally
    source: SideFacts
    target: SideFacts
    program: str = field(default_factory=lambda: program_version())

    @property
    def kept(self) -> int:
        """Number of pairs of all sets."""
        return self.training + self.validation + self.test

    def to_json(self) -> dict[str, Any]:
        """Returns the report as JSON values."""
        return {
            "format": FORMAT,
            "version": self.program,
            "seed": self.seed,
            "clean": self.clean,
            "source_language": self.source_language,
            "target_language": self.target_language,
            # A name of a file that is not UTF-8 has what JSON cannot hold.
            "inputs": [{**asdict(one), "path": without_surrogates(one.path)} for one in self.inputs],
            "swapped": [without_surrogates(name) for name in self.swapped],
            "pairs": {"read": self.read, "kept": self.kept, "rejected": self.rejected.counts.total()},
            "sets": {"training": self.training, "validation": self.validation, "test": self.test},
            "rejected": self.rejected.to_json("reason", MEANINGS, "pairs"),
            "mended": self.mended.to_json("kind", MEND_MEANINGS, "lines"),
            "source": _side_json(self.source),
            "target": _side_json(self.target),
        }


def _side_json(facts: SideFacts) -> dict[str, Any]:
    return {**asdict(facts), "language": facts.language._asdict()}


def main_reasons(rejected: KindTally, columns: PairColumns, most: int = 3) -> str:
    """Names the most frequent reasons, those of a store's columns among them: `512 duplicate, 40 blank (a.tsv:7)`."""
    fates = columns.fates()
    counts = rejected.counts + Counter({str(reason): fates[fate] for fate, reason in REASONS.items()})
    shown = []
    for reason, count in counts.most_common(most):
        places = [f" ({example[0]})" for example in rejected.examples.get(reason, ())[:1]]
        shown.append("".join([f"{count:,} {reason}", *places]))
    return ", ".join(shown)
