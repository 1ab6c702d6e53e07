"""The attention that the words of a line received."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nmt.translation.result import SegmentAttention


def attention_received(
    segments: Sequence[SegmentAttention], words: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sums the attention that each source word received from all tokens of a translation.

    Returns:
        (words,) attention, and (words,) number of tokens of each.
    """
    attention, tokens = np.zeros(words), np.zeros(words, dtype=np.int64)
    for segment in segments:
        columns = np.array(segment.source_words)
        np.add.at(attention, columns, segment.weights[:, :-1].sum(axis=0, dtype=np.float64))
        np.add.at(tokens, columns, 1)
    return attention, tokens
