"""Reservoir sampling: blocks of neighbouring pairs, drawn from all over a corpus in one pass."""

from __future__ import annotations

import random
from typing import NamedTuple

from nmt.corpus.parallel import Pair
from nmt.preflight.reading import LinePair

BLOCK_PAIRS = 50
MOST_BLOCKS = 640


class Block(NamedTuple):
    """Neighbouring pairs of one file, from line `first` on."""

    first: int
    pairs: list[Pair]


class Reservoir:
    """A sample of at most `MOST_BLOCKS` blocks of `BLOCK_PAIRS` pairs, each as likely as any other.

    Of a small corpus it is the whole.
    """

    def __init__(self, seed: int) -> None:
        self._generator = random.Random(seed)
        self._blocks: list[Block] = []
        self._blocks_met = 0
        self._slot: int | None = None  # of the current block; None if it is not drawn
        self.pairs_met = 0
        self.all_read = True  # set to False by the reader that leaves some of the corpus unread

    def add(self, pair: LinePair) -> None:
        """Takes in the next pair."""
        self.pairs_met += 1
        number = pair.source.number
        if number % BLOCK_PAIRS == 1:
            self._begin(number)
        if self._slot is not None:
            self._blocks[self._slot].pairs.append(pair.shortened())

    def _begin(self, number: int) -> None:
        # Algorithm R (Vitter 1985).
        met = self._blocks_met
        slot = met if met < MOST_BLOCKS else int(self._generator.random() * (met + 1))
        self._blocks_met += 1
        self._slot = slot if slot < MOST_BLOCKS else None
        if slot < MOST_BLOCKS:
            self._blocks[slot : slot + 1] = [Block(number, [])]

    @property
    def is_whole(self) -> bool:
        """True if the sample is the whole corpus: all of it was read, and nothing left out."""
        return self.all_read and self._blocks_met <= MOST_BLOCKS

    @property
    def blocks(self) -> list[Block]:
        """The blocks, in the order of the corpus."""
        return sorted(self._blocks, key=lambda block: (block.pairs[0].file, block.first))

    @property
    def pairs(self) -> list[Pair]:
        """The pairs, in the order of the corpus."""
        return [pair for block in self.blocks for pair in block.pairs]
