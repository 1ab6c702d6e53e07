"""The order of the batches of a corpus: a function of the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nmt.corpus.mixture import Mixture
from nmt.corpus.permutation import Indices, Permutation, derive_key, shuffled
from nmt.corpus.store import TokenPairs
from nmt.errors import DataError

WINDOW_PAIRS = 65_536
WINDOW_BATCHES = 64  # minimum number of batches in a window; with fewer, one that is not full would weigh too much


class Position(NamedTuple):
    """The position of the next batch in the order, all counted from 0; plain integers, which JSON can hold."""

    epoch: int = 0
    window: int = 0
    batch: int = 0


START = Position()


class BatchOrder:
    """Batches of pairs of about equal length, every pair exactly once an epoch, or as a mixture draws it.

    What an epoch draws is permuted by a key of seed and epoch, and split into windows. In a window, pairs are sorted by
    length, cut into batches of at most `batch_tokens` target tokens (end marks included; a longer pair is a batch of
    its own), and the batches are shuffled. Only one window is held in memory, however large the corpus.
    """

    def __init__(
        self,
        pairs: TokenPairs,
        batch_tokens: int,
        seed: int,
        window_pairs: int = WINDOW_PAIRS,
        mixture: Mixture | None = None,
    ) -> None:
        """Raises DataError if the weights of the mixture are so low that an epoch may have no pair."""
        self._pairs = pairs
        self._batch_tokens = batch_tokens
        self._seed = seed
        self.mixture = mixture or Mixture.of_one(len(pairs))
        parts = self.mixture.parts
        if not any(int(part.weight * part.pairs) for part in parts):
            raise DataError("data.train", "the weights leave no pair for an epoch; expected larger ones")
        drawn = self.mixture.pairs
        self._tokens = sum(part.weight * pairs.target_tokens_between(part.start, part.stop) for part in parts)
        pairs_in_batch = batch_tokens * drawn // self._tokens + 1
        window = max(window_pairs, WINDOW_BATCHES * pairs_in_batch)
        self.windows = max(1, round(drawn / window))

    @property
    def approximate_updates_per_epoch(self) -> int:
        """Number of batches of an epoch if all of them were full."""
        return -(-self._tokens // self._batch_tokens)

    def epochs_done(self, position: Position) -> float:
        """Returns how many epochs have been gone through at a position; exact at the end of each window."""
        of_window = min(1.0, position.batch * self.windows / self.approximate_updates_per_epoch)
        return position.epoch + (position.window + of_window) / self.windows

    def batches(self, position: Position = START) -> Iterator[tuple[Position, Indices]]:
        """Yields the batches from `position` on, without end, each with the position after it, from which to resume.

        An epoch ends with the batch after which the position is in the next epoch.

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
        """Returns the batches of a window, in order."""
        size = self.mixture.size(epoch)
        permutation = Permutation(size, derive_key("pairs", self._seed, epoch))
        places = permutation(window * size // self.windows, (window + 1) * size // self.windows)
        indices = self.mixture.drawn(places, epoch, self._seed)
        source, target = self._pairs.source_lengths(indices), self._pairs.target_lengths(indices)
        # Source lengths rise for one target length and fall for the next, so that neighbours have similar source
        # lengths where the target length changes, too. The sort is stable: equal lengths keep the permuted order.
        order = np.lexsort((np.where(target % 2, -source, source), target))
        batches = cut_evenly(indices[order], target[order] + 1, self._batch_tokens)
        return [batches[number] for number in shuffled(len(batches), derive_key("batches", self._seed, epoch, window))]


def cut_evenly(indices: Indices, lengths: Indices, budget: int) -> list[Indices]:
    """Cuts pairs, in their order, into the fewest batches of at most `budget` tokens.

    The fullest batch is as small as it can be. Otherwise the last would be a remainder of any size, with the weight of
    a full one.
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
    """Returns where each batch stops if each takes as many pairs as fit: at least one, and at most `most`.

    `ends` are the cumulative lengths.
    """
    cuts: list[int] = []
    start, used, most = 0, 0, len(ends) if most is None else most
    while start < len(ends):
        stop = min(int(np.searchsorted(ends, used + budget, side="right")), start + most)
        start = max(stop, start + 1)
        used = int(ends[start - 1])
        cuts.append(start)
    return cuts


def split_parts(indices: Indices, lengths: Indices, parts: int) -> list[Indices]:
    """Divides the pairs of an update into parts of about equal numbers of tokens, each of pairs of similar length.

    `lengths` are their numbers of tokens. Parts are empty only if there are fewer pairs than parts.
    """
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    filled = min(parts, len(indices))
    places = np.arange(1, filled)
    cuts = np.searchsorted(ends - lengths[order] / 2, ends[-1] * places / filled)
    # At least one pair for each part. The cuts do increase: where two of them coincided, the pair there, and so each
    # pair after it, is at least as long as a share, and so few pairs follow that the upper bound decides.
    cuts = places + np.clip(cuts - places, 0, len(indices) - filled)
    return np.split(indices[order], cuts) + [indices[:0]] * (parts - filled)


def length_sorted_batches(lengths: Indices, batch_tokens: int, batch_sentences: int | None = None) -> list[Indices]:
    """Groups sentences of these `lengths`, in tokens, into batches of similar length; returns the indices of each.

    The longest come first so that a batch too large for memory shows at once. A sentence longer than `batch_tokens` is
    a batch of its own. `batch_sentences` is the maximum number of sentences of a batch; None for any number.
    """
    if not len(lengths):
        return []
    order = np.argsort(lengths, kind="stable")
    cuts = _greedy_cuts(np.cumsum(lengths[order]), batch_tokens, batch_sentences)
    return np.split(order, cuts[:-1])[::-1]
