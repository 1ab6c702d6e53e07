"""The split of the pairs of a store into training, validation and test.

It depends on the seed and on the text of the pairs alone, not on their order. Every hash of a sentence has a rank by
the seed, and the sentences of the lowest ranks are held out: first those of validation, then those of the test set, so
that a larger test set changes no validation set. A sentence of which more than `MOST_LOST` other pairs would have to be
left out is held out only where there are no others.

Pairs are compared in partitions, each of which has the pairs whose hashes begin with the same bits, so that memory does
not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.permutation import derive_key, mix
from nmt.preparation.store import Fate, PairStore

MOST_LOST = 5
PARTITION_PAIRS = 1 << 21
LARGEST_DEFAULT = 2000
_PAIRS_AT_ONCE = 1 << 20
_NO_CANDIDATE = 0xFF
_DEVIATIONS = 4.0
_PAIRS_TO_JUDGE_LENGTHS = 200

Tick = Callable[[], None]


class HeldOutSizes(NamedTuple):
    """The numbers of sentences of the validation and test sets."""

    validation: int
    test: int


def default_size(sentences: int) -> int:
    """Returns a sensible size of a held-out set for a corpus of so many different source sentences.

    It is four times their square root, in two digits: 200 of 2,600, 690 of 30,000; at most 2,000, and at most a tenth.
    """
    size = min(LARGEST_DEFAULT, math.isqrt(16 * sentences), sentences // 10)
    unit: int = 10 ** max(0, len(str(size)) - 2)
    return size - size % unit


class Splitter:
    """Decides the fate of the pairs of a store.

    `tick` is called now and then; an exception from it ends the work.
    """

    def __init__(self, store: PairStore, seed: int, tick: Tick, *, partition_pairs: int = PARTITION_PAIRS) -> None:
        self.columns = store.columns()
        self._store = store
        self._seed = seed
        self._tick = tick
        self._partition_pairs = partition_pairs

    def leave_out_repeated(self) -> None:
        """Leaves one of equal pairs: the first."""
        for indices in self._partitions(self.columns.pair, Fate.TRAINING):
            hashes = self.columns.pair[indices]
            order = np.argsort(hashes, kind="stable")
            self.columns.fate[indices[order[~_begins_group(hashes[order])]]] = Fate.DUPLICATE

    def leave_out_nearly_repeated(self) -> None:
        """Leaves one of the pairs that are equal when they are folded; their text decides which."""
        for indices in self._partitions(self.columns.source, Fate.TRAINING):
            sources, targets = self.columns.source[indices], self.columns.target[indices]
            order = np.lexsort((self.columns.pair[indices], targets, sources))
            first = _begins_group(sources[order]) | _begins_group(targets[order])
            self.columns.fate[indices[order[~first]]] = Fate.NEAR_DUPLICATE

    def leave_out_deviating(self) -> None:
        """Leaves out pairs whose lengths do not fit those of the others.

        The difference is judged in standard deviations, which grow with the root of the length (Gale and Church 1993).
        Ratio and deviation are medians, so that pairs that fit badly do not decide what fits.
        """
        step = 1 + len(self.columns) // _PAIRS_AT_ONCE
        sample = self.columns.lengths[::step, 2:].astype(np.float64)
        if len(sample) < _PAIRS_TO_JUDGE_LENGTHS:
            return
        ratio = float(np.median((sample[:, 1] + 1) / (sample[:, 0] + 1)))
        spread = 1.4826 * float(np.median(np.abs(_deviations(sample, ratio)))) or 1.0
        for start in range(0, len(self.columns), _PAIRS_AT_ONCE):
            self._tick()
            part = slice(start, start + _PAIRS_AT_ONCE)
            deviations = _deviations(self.columns.lengths[part, 2:].astype(np.float64), ratio) / spread
            fates = self.columns.fate[part]
            fates[(np.abs(deviations) > _DEVIATIONS) & (fates == Fate.TRAINING)] = Fate.LENGTH_DEVIATES

    def find_candidates(self) -> HeldOutCandidates:
        """Finds for each source sentence the pair that would stand for it, and what holding it out would cost."""
        columns = self.columns
        costs = self._store.new_column("costs")
        self._count_targets(costs)
        translations = self._store.new_column("candidates")
        translations[:] = _NO_CANDIDATE
        sentences = 0
        key = derive_key(self._seed, "translation")
        for indices in self._partitions(columns.source, Fate.TRAINING):
            sources = columns.source[indices]
            order = np.lexsort((mix(columns.pair[indices], key), sources))
            starts = np.flatnonzero(_begins_group(sources[order]))
            others = np.diff(starts, append=len(order)) - 1
            chosen = indices[order[starts]]
            translations[chosen] = np.minimum(others + costs[chosen], _NO_CANDIDATE - 1)
            sentences += len(chosen)
        return HeldOutCandidates(translations, sentences)

    def _count_targets(self, costs: NDArray[np.uint8]) -> None:
        """Counts for each pair the others that have its target sentence."""
        for indices in self._partitions(self.columns.target, Fate.TRAINING):
            _, inverse, counts = np.unique(self.columns.target[indices], return_inverse=True, return_counts=True)
            costs[indices] = np.minimum(counts[inverse] - 1, _NO_CANDIDATE - 1)

    def hold_out(self, candidates: HeldOutCandidates, sizes: HeldOutSizes) -> HeldOutSizes:
        """Holds out sentences, leaves out what must not stand beside them, and returns the sizes of both sets.

        They are smaller than wished for where there are too few sentences whose targets differ.
        """
        self._keep_one_of_each_target(candidates)
        held_out = self._lowest_ranks(candidates, sizes.validation + sizes.test)
        self._leave_out_beside(held_out)
        validation, test = held_out[: sizes.validation], held_out[sizes.validation :]
        self.columns.fate[validation] = Fate.VALIDATION
        self.columns.fate[test] = Fate.TEST
        return HeldOutSizes(len(validation), len(test))

    def _keep_one_of_each_target(self, candidates: HeldOutCandidates) -> None:
        for indices in self._partitions(self.columns.target, Fate.TRAINING, candidates.costs):
            targets = self.columns.target[indices]
            order = np.lexsort((*self._rank(candidates, indices), targets))
            candidates.costs[indices[order[~_begins_group(targets[order])]]] = _NO_CANDIDATE

    def _rank(
        self, candidates: HeldOutCandidates, indices: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """Returns keys to sort candidates by, the last one first: whether it costs much, then by the seed."""
        ranks = mix(self.columns.source[indices], derive_key(self._seed, "held out"))
        return ranks, candidates.costs[indices] > MOST_LOST

    def _lowest_ranks(self, candidates: HeldOutCandidates, count: int) -> NDArray[np.int64]:
        best = np.zeros(0, np.int64)
        for start in range(0, len(self.columns), _PAIRS_AT_ONCE):
            self._tick()
            found = np.flatnonzero(candidates.costs[start : start + _PAIRS_AT_ONCE] != _NO_CANDIDATE) + start
            best = np.concatenate((best, found))
            best = best[np.lexsort(self._rank(candidates, best))][:count]
        return best

    def _leave_out_beside(self, held_out: NDArray[np.int64]) -> None:
        sources, targets = np.sort(self.columns.source[held_out]), np.sort(self.columns.target[held_out])
        for start in range(0, len(self.columns), _PAIRS_AT_ONCE):
            self._tick()
            part = slice(start, start + _PAIRS_AT_ONCE)
            fates = self.columns.fate[part]
            has_source = _is_among(self.columns.source[part], sources)
            has_target = _is_among(self.columns.target[part], targets)
            is_free = fates == Fate.TRAINING
            fates[is_free & has_target] = Fate.HELD_OUT_TARGET
            fates[is_free & has_source] = Fate.HELD_OUT_SOURCE

    def _partitions(
        self, hashes: NDArray[np.uint64], fate: Fate, costs: NDArray[np.uint8] | None = None
    ) -> Iterator[NDArray[np.int64]]:
        """Yields the indices of pairs with a fate, with `costs` of candidates alone, by the first bits of a hash."""
        bits = max(0, math.ceil(math.log2(max(1, len(hashes)) / self._partition_pairs)))
        shift = np.uint64(64 - bits)
        for number in range(1 << bits):
            found = []
            for start in range(0, len(hashes), _PAIRS_AT_ONCE):
                self._tick()
                part = slice(start, start + _PAIRS_AT_ONCE)
                wanted = self.columns.fate[part] == fate
                if costs is not None:
                    wanted &= costs[part] != _NO_CANDIDATE
                if bits:
                    wanted &= hashes[part] >> shift == number
                found.append(np.flatnonzero(wanted) + start)
            if found:
                yield np.concatenate(found)


class HeldOutCandidates(NamedTuple):
    """The pairs that may be held out, one a source sentence."""

    costs: NDArray[np.uint8]  # (N,) number of other pairs that would be left out, up to 254; 255 for no candidate
    sentences: int  # different source sentences


def _begins_group(ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Marks the first of each run of equal values."""
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def _is_among(values: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[places] == values
    return found


def _deviations(lengths: NDArray[np.float64], ratio: float) -> NDArray[np.float64]:
    source, target = lengths[:, 0] * ratio, lengths[:, 1]
    return (target - source) / np.sqrt((source + target) / 2 + 1)
