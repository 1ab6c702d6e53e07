"""The mixture of corpora that an epoch draws: each pair of a corpus as often as the weight of the corpus says.

The pairs of a corpus are drawn in passes through it, one after the other without end, of which an epoch takes the next
stretch: of a weight of 2, two passes; of 0.5, half of one, of which the next epoch takes the other half. A pass that
epochs share is in an order of its own, by seed and number. So every pair of a corpus is drawn as often as any other,
and what an epoch draws is computed where it is needed, in no memory that grows with the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple, Self

import numpy as np

from nmt.config.parallel_files import TrainingFiles
from nmt.corpus.permutation import Indices, Permutation, derive_key
from nmt.tokenization.tokenizer import Tokenizer


class DrawnCorpus(NamedTuple):
    """A corpus of a mixture: its pairs in the store, how often an epoch has each, and the tag before its sources."""

    start: int
    stop: int
    weight: Fraction = Fraction(1)
    tag: int | None = None  # token of the source; None for none

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.stop - self.start

    def draws(self, epochs: int) -> int:
        """Returns the number of pairs drawn in so many epochs, the first ones."""
        return -(-epochs * self.pairs * self.weight.numerator // self.weight.denominator)

    def drawn(self, places: Indices, epoch: int, key: int) -> Indices:
        """Returns the pairs at some places of the stretch that an epoch draws, in the order of a key."""
        pass_number, first = divmod(self.draws(epoch), self.pairs)
        passes, places = np.divmod(places + first, self.pairs)
        if self.weight.denominator > 1:
            for number in np.unique(passes).tolist():
                inside = passes == number
                places[inside] = Permutation(self.pairs, derive_key(key, pass_number + number)).at(places[inside])
        return self.start + places


class Mixture:
    """The corpora of a store, and the pairs that each epoch draws of them."""

    def __init__(self, parts: Sequence[DrawnCorpus]) -> None:
        """Takes the corpora in the order of the store."""
        self.parts = tuple(parts)

    @classmethod
    def of_one(cls, pairs: int) -> Self:
        """Makes the mixture of one corpus, of which an epoch has each pair once."""
        return cls([DrawnCorpus(0, pairs)])

    @classmethod
    def from_config(cls, sets: Sequence[TrainingFiles], by_file: Sequence[int], tokenizer: Tokenizer) -> Self:
        """Makes the mixture of the corpora that a configuration names, from the number of pairs of each source file.

        Raises ConfigError if the tokenizer lacks a tag.
        """
        files = [0, *accumulate(len(one.paths[0]) for one in sets)]
        if len(sets) == 1:  # of which an earlier version did not count the files
            files = [0, len(by_file)]
        ends = [0, *accumulate(by_file)]
        parts = []
        for one, (first, last) in zip(sets, pairwise(files), strict=True):
            tag = None if one.tag is None else tokenizer.tag(one.tag, "data.train.tag")
            # The text of a number is exact: 0.1 is a tenth.
            parts.append(DrawnCorpus(ends[first], ends[last], Fraction(str(one.weight)), tag))
        return cls(parts)

    @property
    def pairs(self) -> Fraction:
        """The number of pairs drawn in an epoch, on the average of epochs."""
        return sum((part.weight * part.pairs for part in self.parts), Fraction(0))

    def size(self, epoch: int) -> int:
        """Returns the number of pairs drawn in an epoch."""
        return sum(self._counts(epoch))

    def drawn(self, places: Indices, epoch: int, seed: int) -> Indices:
        """Returns the pairs at some places, of `size(epoch)`, among those that an epoch draws."""
        ends = np.cumsum(self._counts(epoch))
        of_part = np.searchsorted(ends, places, side="right")
        pairs = np.empty_like(places)
        for number, part in enumerate(self.parts):
            inside = np.flatnonzero(of_part == number)
            if len(inside):
                first = int(ends[number - 1]) if number else 0
                pairs[inside] = part.drawn(places[inside] - first, epoch, derive_key("corpus", seed, number))
        return pairs

    def tags(self, pairs: Indices) -> list[int | None] | None:
        """Returns the tag before the source of each pair; None if no corpus has one."""
        if all(part.tag is None for part in self.parts):
            return None
        of_part = np.searchsorted([part.stop for part in self.parts], pairs, side="right")
        return [self.parts[number].tag for number in of_part.tolist()]

    def _counts(self, epoch: int) -> list[int]:
        return [part.draws(epoch + 1) - part.draws(epoch) for part in self.parts]
