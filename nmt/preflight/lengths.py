"""Lengths of lines and of their translations, which go together in every language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nmt.corpus.parallel import Pair

# Of lines in disorder, the mean correlation is 0, and over five blocks seldom above 0.15 by chance.
_AGREEMENT = 0.2
_LEAST_PAIRS, _LEAST_BLOCKS = 20, 5  # of a block, and of a corpus


def lengths_agree(blocks: Sequence[Sequence[Pair]]) -> bool:
    """Returns whether a line that is longer than its neighbours has a longer translation, as far as that shows.

    Lines are compared with those of their block, and its trend is left out, since two files that have nothing in common
    may both be sorted by length.
    """
    agreement = [found for block in blocks if len(block) >= _LEAST_PAIRS and (found := _correlation(block)) is not None]
    return len(agreement) >= _LEAST_BLOCKS and float(np.mean(agreement)) > _AGREEMENT


def _correlation(block: Sequence[Pair]) -> float | None:
    """Returns the correlation of the logarithms of lengths, without their trend; None if all lines are as long."""
    lengths = np.log([(1 + len(pair.source), 1 + len(pair.target)) for pair in block])
    places = np.arange(len(block)) - (len(block) - 1) / 2
    lengths -= lengths.mean(axis=0)
    lengths -= np.outer(places, places @ lengths / (places @ places))
    spreads = np.sqrt((lengths**2).sum(axis=0))
    return float(lengths[:, 0] @ lengths[:, 1] / spreads.prod()) if spreads.min() > 1e-6 else None
