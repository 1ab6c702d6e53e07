"""A sample of a corpus that passes by: runs of neighbouring pairs, drawn from all over it."""

from __future__ import annotations

import random
from typing import NamedTuple

from nmt.corpus.parallel import Pair
from nmt.preflight.reading import LinePair

RUN_PAIRS = 50
MOST_RUNS = 640


class Run(NamedTuple):
    """Neighbouring pairs of one file; the first of them has number `first`."""

    first: int
    pairs: list[Pair]


class Sample:
    """At most `MOST_RUNS` runs of `RUN_PAIRS` pairs, each as likely as any other; of a small corpus, all of it."""

    def __init__(self, seed: int) -> None:
        self._generator = random.Random(seed)
        self._runs: list[Run] = []
        self._met = 0
        self._place: int | None = None  # in which to put the run that passes by
        self.pairs_met = 0
        self.all_read = True  # whoever reads says where that is not so

    def add(self, pair: LinePair) -> None:
        """Takes in the next pair."""
        self.pairs_met += 1
        number = pair.source.number
        if number % RUN_PAIRS == 1:
            self._begin(number)
        if self._place is not None:
            self._runs[self._place].pairs.append(pair.shortened())

    def _begin(self, number: int) -> None:
        # Reservoir sampling (Vitter 1985, algorithm R).
        place = self._met if self._met < MOST_RUNS else int(self._generator.random() * (self._met + 1))
        self._met += 1
        self._place = place if place < MOST_RUNS else None
        if place < MOST_RUNS:
            self._runs[place : place + 1] = [Run(number, [])]

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the corpus: nothing of it was left unread, and nothing left out."""
        return self.all_read and self._met <= MOST_RUNS

    @property
    def runs(self) -> list[Run]:
        """The runs, in the order of the corpus."""
        return sorted(self._runs, key=lambda run: (run.pairs[0].file, run.first))

    @property
    def pairs(self) -> list[Pair]:
        """The pairs, in the order of the corpus."""
        return [pair for run in self.runs for pair in run.pairs]
