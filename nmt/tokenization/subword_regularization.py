"""Segmentations drawn at random, which train a model on more than one spelling of a text.

SentencePiece draws such segmentations, too, but some of its versions salt the generator, so that a seed gives other
ones in the next process. Here they depend on the arguments alone.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

# A stretch of text with the spaces before it; its length is bounded for texts that have no spaces.
_STRETCH = re.compile(r"▁*[^▁]{1,256}|▁+")

_CACHED_STRETCHES = 1 << 13
_LONGEST_CACHED = 24

_UNKNOWN_PENALTY = 10.0
"""Nats by which a unigram model takes an unknown character to be less likely than its least likely piece."""


Segmenter = Callable[[str, random.Random], list[str]]
"""Draws the pieces of a stretch of normalised text; characters that are no piece come one by one."""


class Vocabulary(NamedTuple):
    """A model's pieces: ids and scores of those that spell text, the ids of the 256 bytes or none, the unknown id."""

    ids: Mapping[str, int]
    scores: Mapping[str, float]
    byte_ids: Sequence[int]
    unk_id: int

    def ids_of(self, pieces: Sequence[str]) -> list[int]:
        """Returns the ids of pieces: unknown ones in bytes if the model has them, else one unknown id for each run."""
        ids: list[int] = []
        for piece in pieces:
            token = self.ids.get(piece)
            if token is not None:
                ids.append(token)
            elif self.byte_ids:
                ids += [self.byte_ids[byte] for byte in piece.encode()]
            elif ids[-1:] != [self.unk_id]:
                ids.append(self.unk_id)
        return ids


def draw(normalized: str, segmenter: Segmenter, vocabulary: Vocabulary, generator: random.Random) -> list[int]:
    """Draws a segmentation of a text, in which `▁` stands for spaces, as ids; no piece spans two words."""
    stretches = _STRETCH.findall(normalized)
    return vocabulary.ids_of([piece for stretch in stretches for piece in segmenter(stretch, generator)])


class UnigramSampling:
    """Subword regularisation (Kudo 2018, arXiv:1804.10959): a segmentation x is drawn with P(x) ∝ p(x)^alpha.

    `scores` gives each piece's log-probability. All segmentations can be drawn, by filtering forward and sampling
    backward.
    """

    def __init__(self, scores: Mapping[str, float], alpha: float) -> None:
        self._scores = scores
        self._alpha = alpha
        self._unknown_score = min(scores.values(), default=0.0) - _UNKNOWN_PENALTY
        self._longest = max(map(len, scores), default=1)
        self._cached_lattice = lru_cache(_CACHED_STRETCHES)(self._lattice)

    def __call__(self, stretch: str, generator: random.Random) -> list[str]:
        lattice = (self._cached_lattice if len(stretch) <= _LONGEST_CACHED else self._lattice)(stretch)
        pieces = []
        end = len(stretch)
        while end:
            starts, cumulated = lattice[end]
            start = starts[bisect(cumulated, generator.random(), hi=len(starts) - 1)]
            pieces.append(stretch[start:end])
            end = start
        pieces.reverse()
        return pieces

    def _lattice(self, stretch: str) -> list[tuple[list[int], list[float]]]:
        """Lists for each end where the last piece of `stretch[:end]` can start, with cumulative probabilities."""
        lattice: list[tuple[list[int], list[float]]] = [([], [])]
        forward = [0.0]
        for end in range(1, len(stretch) + 1):
            starts, weights = [], []
            for start in range(max(0, end - self._longest), end):
                score = self._scores.get(stretch[start:end])
                if score is None and start == end - 1:
                    score = self._unknown_score
                if score is not None:
                    starts.append(start)
                    weights.append(forward[start] + self._alpha * score)
            highest = max(weights)
            cumulated = list(accumulate(math.exp(weight - highest) for weight in weights))
            forward.append(highest + math.log(cumulated[-1]))
            lattice.append((starts, [part / cumulated[-1] for part in cumulated]))
        return lattice


class BpeDropout:
    """BPE in which each possible merge is left out of each step with probability `dropout`.

    Source: Provilkov et al. 2020, arXiv:1910.13267, algorithm 1. Of two pieces, the one with the higher score in
    `scores` is merged first.
    """

    def __init__(self, scores: Mapping[str, float], dropout: float) -> None:
        self._scores = scores
        self._dropout = dropout

    def __call__(self, stretch: str, generator: random.Random) -> list[str]:
        pieces = list(stretch)
        scores = [self._scores.get(left + right) for left, right in pairwise(pieces)]
        while True:
            merges = sorted((-score, left) for left, score in enumerate(scores) if score is not None)
            # In the order of preference, draws are needed only up to the first merge that is not dropped.
            chosen = next((left for _, left in merges if generator.random() >= self._dropout), None)
            if chosen is None:
                return pieces
            pieces[chosen : chosen + 2] = [pieces[chosen] + pieces[chosen + 1]]
            del scores[chosen]
            for left in (chosen - 1, chosen):
                if 0 <= left < len(scores):
                    scores[left] = self._scores.get(pieces[left] + pieces[left + 1])
