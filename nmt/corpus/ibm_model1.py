"""IBM Model 1: the translation probabilities of tokens, learned from a corpus of token ids.

The model of Brown et al. (1993, "The mathematics of statistical machine translation", section 4.1): each target token
comes from one source token of its pair, each equally likely, or from the end mark, which stands for their empty word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.mixture import Mixture
from nmt.corpus.permutation import Permutation, derive_key
from nmt.corpus.store import TokenPairs

ITERATIONS = 5  # of expectation and maximisation
TRANSLATIONS = 100  # maximum number kept of each source token
FREQUENT = 100  # number of most frequent target tokens

# A cell is a source token beside a target token of its pair. Maximum numbers of cells in the sample, however large the
# corpus is, and in memory at a time: some 20 seconds of a processor, and about a gigabyte of memory.
CELLS = 1 << 25
CELLS_AT_A_TIME = 1 << 21
_PAIRS_AT_A_TIME = 1 << 16


class Lexicon(NamedTuple):
    """The translations of each token that a corpus makes most probable."""

    translations: NDArray[np.int32]  # (source vocabulary, N), most probable first, without the frequent; -1 for none
    frequent: NDArray[np.int32]  # (F,), target tokens, the most frequent first
    pairs: int  # number of pairs that they were learned from


class _Links(NamedTuple):
    """The cells of a portion of the pairs: for each target token in turn, those with the source tokens beside it."""

    places: NDArray[np.int32]  # (cells,), index of the cell's two tokens among all pairs of tokens that occur
    beside: NDArray[np.int64]  # (target tokens,), number of source tokens beside each


def learn_lexicon(
    store: TokenPairs,
    source_size: int,
    target_size: int,
    end: int,
    seed: int,
    most_cells: int | None = None,
    mixture: Mixture | None = None,
) -> Lexicon:
    """Learns the lexicon of a sample of the corpus, or of all of it if it is small: a function of the arguments alone.

    Of a `mixture`, the sample is of what its first epoch draws.

    The ids of the `store` are below the sizes of the vocabularies; `end` is the source's end mark. The sample, drawn by
    the `seed`, has at most `most_cells` cells, `CELLS` by default.
    """
    mixture = mixture or Mixture.of_one(len(store))
    sample = list(_sample(store, mixture, seed, CELLS if most_cells is None else most_cells))
    known = np.zeros(0, np.int64)  # source token · target vocabulary + target token, ascending
    counts = np.zeros(target_size, np.int64)
    for indices in sample:
        known = _distinct(np.concatenate([known, _cells(store, indices, end, target_size)[0]]))
        counts += np.bincount(np.concatenate([store.target(n) for n in indices.tolist()]), minlength=target_size)
    links = []
    for indices in sample:
        cells, beside = _cells(store, indices, end, target_size)
        distinct, places = np.unique(cells, return_inverse=True)
        links.append(_Links(np.searchsorted(known, distinct).astype(np.int32)[places], beside))
    sources, targets = (known // target_size).astype(np.int32), (known % target_size).astype(np.int32)
    del known  # by far the largest array, and no longer needed
    probabilities = _probabilities(links, sources)
    frequent = np.argsort(-counts, kind="stable")[: min(FREQUENT, np.count_nonzero(counts))]
    others = ~np.isin(targets, frequent)
    translations = _most_probable(sources[others], targets[others], probabilities[others], source_size)
    return Lexicon(translations, frequent.astype(np.int32), sum(map(len, sample)))


def _sample(store: TokenPairs, mixture: Mixture, seed: int, left: int) -> Iterator[NDArray[np.int64]]:
    """Yields portions of the pairs, drawn at random, of up to `left` cells in all; leaves out extremely long pairs."""
    size = mixture.size(0)
    permutation = Permutation(size, derive_key("lexicon", seed))
    for start in range(0, size, _PAIRS_AT_A_TIME):
        indices = mixture.drawn(permutation(start, min(start + _PAIRS_AT_A_TIME, size)), 0, seed)
        cells = (store.source_lengths(indices) + 1) * store.target_lengths(indices)
        indices, cells = indices[cells <= CELLS_AT_A_TIME], cells[cells <= CELLS_AT_A_TIME]
        ends = np.cumsum(cells)
        fitting = int(np.searchsorted(ends, left, side="right"))
        cuts = np.flatnonzero(np.diff(ends[:fitting] // CELLS_AT_A_TIME)) + 1
        yield from filter(len, np.split(indices[:fitting], cuts))
        if fitting < len(indices):
            return
        left -= int(cells.sum())


def _cells(
    store: TokenPairs, indices: NDArray[np.int64], end: int, target_size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the cells of pairs, each as one number, and the number of source tokens beside each target token."""
    numbers = indices.tolist()
    mark = np.array([end])
    sources = np.concatenate([part for number in numbers for part in (store.source(number), mark)]).astype(np.int64)
    targets = np.concatenate([store.target(number) for number in numbers]).astype(np.int64)
    source_lengths, target_lengths = store.source_lengths(indices) + 1, store.target_lengths(indices)
    beside = np.repeat(source_lengths, target_lengths)
    first_source = np.repeat(np.cumsum(source_lengths) - source_lengths, target_lengths)
    first_cell = np.cumsum(beside) - beside
    places = np.arange(beside.sum()) + np.repeat(first_source - first_cell, beside)
    return sources[places] * target_size + np.repeat(targets, beside), beside


def _distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorts values in place, and returns each once. (For whole numbers, `numpy.unique` takes many times as long.)"""
    values.sort()
    distinct: NDArray[np.int64] = values[np.diff(values, prepend=-1) != 0]
    return distinct


def _probabilities(links: list[_Links], sources: NDArray[np.int32]) -> NDArray[np.float64]:
    """Estimates the probability of each target token given its source token, for all pairs of tokens that occur."""
    first = np.flatnonzero(np.diff(sources, prepend=-1))
    lengths = np.diff(first, append=len(sources))
    probabilities = np.ones(len(sources))
    for _ in range(ITERATIONS):
        expected = np.zeros(len(sources))
        for places, beside in links:
            shares = probabilities[places]
            shares /= np.repeat(np.add.reduceat(shares, np.cumsum(beside) - beside), beside)
            expected += np.bincount(places, weights=shares, minlength=len(sources))
        probabilities = expected / np.repeat(np.add.reduceat(expected, first), lengths) if len(first) else expected
    return probabilities


def _most_probable(
    sources: NDArray[np.int32], targets: NDArray[np.int32], probabilities: NDArray[np.float64], source_size: int
) -> NDArray[np.int32]:
    """Ranks the target tokens of each source token, (source vocabulary, N); `targets` ascend within a source token."""
    # Stable, so that equally probable tokens keep their order.
    order = np.lexsort((-probabilities, sources))
    first = np.searchsorted(sources, np.arange(source_size))
    ranks = np.arange(len(sources)) - first[sources]
    kept = ranks < TRANSLATIONS
    table = np.full((source_size, 1 + int(ranks[kept].max(initial=0))), -1, np.int32)
    # `sources` ascends, and so is the same before and after sorting.
    table[sources[kept], ranks[kept]] = targets[order][kept]
    return table
