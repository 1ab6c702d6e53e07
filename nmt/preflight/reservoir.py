"""Reservoir sampling: blocks of neighbouring pairs, drawn from all over a corpus in one pass."""

from __future__ import annotations

import random

from nmt.corpus.parallel import Pair
from nmt.preflight.reading import LinePair
from nmt.preflight.windows import BLOCK_PAIRS

MOST_BLOCKS = 640


class Reservoir:
    """A sample of at most `MOST_BLOCKS` blocks of `BLOCK_PAIRS` pairs of one file, each as likely as any other.

    Of a small corpus it is the whole.
    """

    def __init__(self, seed: int) -> None:
        self._generator = random.Random(seed)
        self._blocks: list[list[Pair]] = []
        self._blocks_met = 0
        self._block: list[Pair] | None = None  # the current one; None if it is not drawn
        self.pairs_met = 0
        self.all_read = True  # set to False by the reader that leaves some of the corpus unread

    def add(self, pair: LinePair) -> None:
        """Takes in the next pair."""
        self.pairs_met += 1
        if pair.source.number % BLOCK_PAIRS == 1:
            self._begin_block()
        if self._block is not None:
            self._block.append(pair.shortened())

    def _begin_block(self) -> None:
        # Algorithm R (Vitter 1985).
        met = self._blocks_met
        slot = met if met < MOST_BLOCKS else int(self._generator.random() * (met + 1))
        self._blocks_met += 1
        self._block = None
        if slot < MOST_BLOCKS:
            self._block = []
            self._blocks[slot : slot + 1] = [self._block]

    @property
    def is_whole(self) -> bool:
        """True if the sample is the whole corpus: all of it was read, and nothing left out."""
        return self.all_read and self._blocks_met <= MOST_BLOCKS

    @property
    def blocks(self) -> list[list[Pair]]:
        """The blocks, in the order of the corpus."""
        return sorted(self._blocks)  # a pair begins with its file and the number of its line

    @property
    def pairs(self) -> list[Pair]:
        """The pairs, in the order of the corpus."""
        return [pair for block in self.blocks for pair in block]
