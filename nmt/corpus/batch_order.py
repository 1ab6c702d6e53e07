"""Which pairs make the next update: an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.permutation import Permutation, derive_key, shuffled

Indices = NDArray[np.int64]

WINDOW_PAIRS = 65_536
WINDOW_BATCHES = 64  # so few full batches to a window at least, or the one that is not full would weigh too much


class Position(NamedTuple):
    """Where in the order the next batch stands, all counted from 0; plain integers, to be kept in JSON."""

    epoch: int = 0
    window: int = 0
    batch: int = 0


START = Position()


class PairLengths(Protocol):
    """What the order needs to know of a corpus; lengths are in tokens without end marks."""

    @property
    def target_tokens(self) -> int: ...

    def __len__(self) -> int: ...

    def source_lengths(self, indices: Indices) -> Indices: ...

    def target_lengths(self, indices: Indices) -> Indices: ...


class BatchOrder:
    """Batches of pairs of about equal length, every pair exactly once an epoch.

    The corpus is permuted by a key of seed and epoch, and split into windows. In a window, pairs are sorted by length,
    cut into batches of at most `batch_tokens` target tokens (end marks in; a longer pair is a batch of its own), and
    the batches shuffled. Only one window is held in memory, however large the corpus.
    """

    def __init__(self, pairs: PairLengths, batch_tokens: int, seed: int, window_pairs: int = WINDOW_PAIRS) -> None:
        self._pairs = pairs
        self._batch_tokens = batch_tokens
        self._seed = seed
        pairs_in_batch = batch_tokens * len(pairs) // pairs.target_tokens + 1
        window = max(window_pairs, WINDOW_BATCHES * pairs_in_batch)
        self.windows = max(1, round(len(pairs) / window))

    @property
    def approximate_updates_per_epoch(self) -> int:
        """The number of batches of an epoch, were all of them full."""
        return -(-self._pairs.target_tokens // self._batch_tokens)

    def batches(self, position: Position = START) -> Iterator[tuple[Position, Indices]]:
        """Batches from `position` on, without end, each with the position after it, where to go on another time.

        An epoch ends where the epoch of the position after a batch is the next one.

        Raises:
            ValueError: there is no such position in this order.
        """
        epoch, window, batch = position
        if min(position) < 0 or window >= self.windows:
            raise ValueError(f"{position} is outside an order of {self.windows} windows")
        while True:
            batches = self.window(epoch, window)
            if batch >= len(batches):
                raise ValueError(f"{position} is outside an order with {len(batches)} batches in that window")
            following = Position(epoch, window + 1) if window + 1 < self.windows else Position(epoch + 1)
            for number in range(batch, len(batches)):
                last = number + 1 == len(batches)
                yield (following if last else Position(epoch, window, number + 1)), batches[number]
            epoch, window, batch = following

    def window(self, epoch: int, window: int) -> list[Indices]:
        """The batches of one window, in order."""
        size = len(self._pairs)
        permutation = Permutation(size, derive_key("pairs", self._seed, epoch))
        indices = permutation(window * size // self.windows, (window + 1) * size // self.windows)
        source, target = self._pairs.source_lengths(indices), self._pairs.target_lengths(indices)
        # Up, then down: neighbours stay alike on the source side too where one target length gives way to the next.
        # Pairs of equal lengths keep the permuted order, since the sort is stable.
        order = np.lexsort((np.where(target % 2, -source, source), target))
        batches = cut_evenly(indices[order], target[order] + 1, self._batch_tokens)
        return [batches[number] for number in shuffled(len(batches), derive_key("batches", self._seed, epoch, window))]


def cut_evenly(indices: Indices, lengths: Indices, budget: int) -> list[Indices]:
    """Cut pairs, in their order, into the fewest batches of at most `budget` tokens, the fullest as small as it can be.

    Without the second condition, the last batch would be a remainder of any size, with the weight of a full one.
    """
    ends = np.cumsum(lengths)
    fewest = len(_greedy_cuts(ends, budget))
    low, high = -(-int(ends[-1]) // fewest), budget
    while low < high:
        middle = (low + high) // 2
        if len(_greedy_cuts(ends, middle)) > fewest:
            low = middle + 1
        else:
            high = middle
    # When one long pair exceeds every budget, `low` may start above `budget`.
    return np.split(indices, _greedy_cuts(ends, min(low, budget))[:-1])


def _greedy_cuts(ends: Indices, budget: int, most: int | None = None) -> list[int]:
    """Where each batch stops, when each takes as many pairs as fit, `most` at most and one at least.

    `ends` are cumulated lengths.
    """
    cuts: list[int] = []
    start, used = 0, 0
    while start < len(ends):
        stop = int(np.searchsorted(ends, used + budget, side="right"))
        if most is not None:
            stop = min(stop, start + most)
        start = max(stop, start + 1)
        used = int(ends[start - 1])
        cuts.append(start)
    return cuts


def split_parts(indices: Indices, lengths: Indices, parts: int) -> list[Indices]:
    """Deal the pairs of one update into parts of about equal tokens, each of pairs of like length.

    Args:
        indices: the pairs of an update.
        lengths: tokens of each.
        parts: how many parts, accumulation times processes; some are empty only when there are fewer pairs.
    """
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    filled = min(parts, len(indices))
    places = np.arange(1, filled)
    cuts = np.searchsorted(ends - lengths[order] / 2, ends[-1] * places / filled)
    # One pair at least to each part. The cuts rise by then: where two were the same, the pair there, and so each after
    # it, is as long as a share, and too few pairs were left behind the cut.
    cuts = places + np.clip(cuts - places, 0, len(indices) - filled)
    return np.split(indices[order], cuts) + [indices[:0]] * (parts - filled)


def length_sorted_batches(lengths: Indices, batch_tokens: int, batch_sentences: int | None = None) -> list[Indices]:
    """A fixed set of sentences in batches of like length and at most `batch_tokens`, the longest first.

    The longest first, so that a batch too large for memory shows at once. A longer sentence is a batch of its own.

    Args:
        lengths: tokens of each sentence.
        batch_tokens: the sum that a batch may reach.
        batch_sentences: how many sentences a batch may have; None for any number.

    Returns:
        The numbers of the sentences of each batch.
    """
    if not len(lengths):
        return []
    order = np.argsort(lengths, kind="stable")
    cuts = _greedy_cuts(np.cumsum(lengths[order]), batch_tokens, batch_sentences)
    return np.split(order, cuts[:-1])[::-1]
