"""Cleaning: the selection of pairs that are worth training on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.encoding import Chunk, EncodedPairs
from nmt.corpus.parallel import Pair
from nmt.corpus.report import Reason
from nmt.io.lines import is_blank

CHUNK_PAIRS = 4096
CHUNK_CHARACTERS = 1 << 20  # both sides together, so that long lines do not make a chunk large


@dataclass(frozen=True)
class PairFilter:
    """The conditions under which a pair is kept."""

    max_length: int  # maximum number of tokens of either side, without end mark
    max_length_ratio: float | None = None  # maximum ratio of the longer side to the shorter, in tokens; None for any
    drop_duplicates: bool = False  # keeps only the first of several pairs of exactly the same two lines

    def reasons(self, pairs: EncodedPairs) -> dict[int, Reason]:
        """Returns the reason of each pair that is left out for its tokens, by the pair's index."""
        source, target = pairs.source.lengths, pairs.target.lengths
        shorter, longer = np.minimum(source, target), np.maximum(source, target)
        reasons: dict[int, Reason] = {}
        if self.max_length_ratio is not None:
            reasons |= dict.fromkeys(np.flatnonzero(longer > shorter * self.max_length_ratio).tolist(), Reason.RATIO)
        reasons |= dict.fromkeys(np.flatnonzero(longer > self.max_length).tolist(), Reason.LENGTH)
        reasons |= dict.fromkeys(np.flatnonzero(shorter == 0).tolist(), Reason.BLANK)
        return reasons


def clean_chunks(pairs: Iterable[Pair], drop_duplicates: bool) -> Iterator[Chunk]:
    """Yields chunks of bounded size; where one ends depends on nothing but the text."""
    seen = SeenPairs() if drop_duplicates else None
    chunk, characters = Chunk(), 0
    for pair in pairs:
        chunk.read += 1
        reason = _textual_reason(pair)
        if reason is None:
            chunk.places.append((pair.file, pair.number))
            chunk.sources.append(pair.source)
            chunk.targets.append(pair.target)
            characters += len(pair.source) + len(pair.target)
        else:
            chunk.left_out.append((reason, pair.file, pair.number))
        if chunk.read == CHUNK_PAIRS or characters > CHUNK_CHARACTERS:
            yield _without_seen(chunk, seen) if seen else chunk
            chunk, characters = Chunk(), 0
    if chunk.read:
        yield _without_seen(chunk, seen) if seen else chunk


def _textual_reason(pair: Pair) -> Reason | None:
    if pair.too_long:
        return Reason.LONG_LINE
    if is_blank(pair.source) or is_blank(pair.target):
        return Reason.BLANK
    return None


def _without_seen(chunk: Chunk, seen: SeenPairs) -> Chunk:
    fresh = seen.add(chunk.sources, chunk.targets)
    repeated = [(Reason.DUPLICATE, *chunk.places[number]) for number in np.flatnonzero(~fresh)]
    places, sources = list(compress(chunk.places, fresh)), list(compress(chunk.sources, fresh))
    return Chunk(chunk.read, chunk.left_out + repeated, places, sources, list(compress(chunk.targets, fresh)))


class SeenPairs:
    """Remembers pairs by 64-bit hashes: 8 bytes a pair, and about twice that for the moment of a merge.

    Among 100 million different pairs, the chance that any two share a hash, so that one is lost, is 1 in 3,700.
    The hashes are in sorted runs, each less than half as long as the one before it.
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []

    def add(self, sources: list[str], targets: list[str]) -> NDArray[np.bool_]:
        """Remembers pairs, and returns a mask of those that it has not seen before."""
        digests = b"".join(map(_digest, sources, targets))
        values, first = np.unique(np.frombuffer(digests, "<u8"), return_index=True)
        new = np.ones(len(values), np.bool_)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, values), len(run) - 1)
            new &= run[places] != values
        fresh = np.zeros(len(sources), np.bool_)
        fresh[first[new]] = True
        if new.any():
            self._keep(values[new])
        return fresh

    def _keep(self, run: NDArray[np.uint64]) -> None:
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate((self._runs.pop(), run))
            run.sort(kind="stable")  # merges sorted runs in linear time
        self._runs.append(run)


def _digest(source: str, target: str) -> bytes:
    return hashlib.blake2b(f"{source}\n{target}".encode(), digest_size=8).digest()
