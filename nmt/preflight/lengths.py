"""Lengths of lines and of their translations, which go together in every language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.parallel import Pair

# Of lines in disorder, the correlation is 0; among a thousand, it is seldom above 0.1 by chance.
_AGREEMENT = 0.2
_LEAST_PAIRS = 200


def lengths_agree(blocks: Sequence[Sequence[Pair]]) -> bool:
    """Returns whether a line that is longer than its neighbours has a longer translation, as far as that shows.

    Lines are compared with those of their block, and its trend is left out, since two files that have nothing in common
    may both be sorted by length.
    """
    deviations = [_deviations(block) for block in blocks if len(block) > 1]
    if not deviations or sum(map(len, deviations)) < _LEAST_PAIRS:
        return False
    source, target = np.concatenate(deviations).T
    spread = float(np.sqrt((source**2).sum() * (target**2).sum()))
    return spread > 0 and float((source * target).sum()) > _AGREEMENT * spread


def _deviations(block: Sequence[Pair]) -> NDArray[np.float64]:
    """Returns (pairs, 2) logarithms of lengths, without their mean and their trend from line to line."""
    lengths = np.log([(1 + len(pair.source), 1 + len(pair.target)) for pair in block])
    places = np.arange(len(block)) - (len(block) - 1) / 2
    lengths -= lengths.mean(axis=0)
    deviations: NDArray[np.float64] = lengths - np.outer(places, places @ lengths / (places @ places))
    return deviations
