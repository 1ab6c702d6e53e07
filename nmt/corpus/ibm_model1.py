"""Which target tokens stand for a source token, learned from a corpus of token ids.

Model 1 of Brown et al. (1993, "The mathematics of statistical machine translation", section 4.1): each target token was
written by one source token of its pair, any of them, or by the end mark, which here stands for their empty word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.permutation import Permutation, derive_key

ITERATIONS = 5  # of expectation and maximisation
TRANSLATIONS = 100  # kept of each source token, at most
FREQUENT = 100  # most frequent target tokens

# A cell is a source token beside a target token. So many are looked at, however large the corpus is, and so many at a
# time: some 20 seconds of a processor, and about a gigabyte of memory.
CELLS = 1 << 25
CELLS_AT_A_TIME = 1 << 21
_PAIRS_AT_A_TIME = 1 << 16


class TokenPairs(Protocol):
    """Pairs of token ids without marks, by number, such as a `Store`; lengths are in tokens."""

    def __len__(self) -> int: ...

    def source(self, index: int) -> NDArray[Any]: ...

    def target(self, index: int) -> NDArray[Any]: ...

    def source_lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]: ...

    def target_lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]: ...


class Lexicon(NamedTuple):
    """What a corpus says of translations, token by token."""

    translations: NDArray[
        np.int32
    ]  # (source vocabulary, N), the most probable first, without the frequent; -1 behind the last
    frequent: NDArray[np.int32]  # (F,), target tokens, the most frequent first
    pairs: int  # how many pairs say so


class _Links(NamedTuple):
    """The cells of some pairs: for each target token, one after the other, those of the source tokens beside it."""

    places: NDArray[np.int32]  # (cells,), of the two tokens among all pairs of tokens that occur
    beside: NDArray[np.int64]  # (target tokens,), source tokens beside each


def learn_lexicon(
    store: TokenPairs, source_size: int, target_size: int, end: int, seed: int, most_cells: int | None = None
) -> Lexicon:
    """The lexicon of a sample of the corpus, or of all of it where it is small: a function of the arguments alone.

    Args:
        store: the corpus; its ids are below the sizes.
        source_size: of the source vocabulary.
        target_size: of the target vocabulary.
        end: the source's end mark.
        seed: with it, the sample is drawn.
        most_cells: of the sample; `CELLS` by default.
    """
    sample = list(_sample(store, seed, CELLS if most_cells is None else most_cells))
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
    del known  # by far the largest, and of no more use
    probabilities = _probabilities(links, sources)
    frequent = np.argsort(-counts, kind="stable")[: min(FREQUENT, np.count_nonzero(counts))]
    others = ~np.isin(targets, frequent)
    return Lexicon(
        _most_probable(sources[others], targets[others], probabilities[others], source_size),
        frequent.astype(np.int32),
        sum(map(len, sample)),
    )


def _sample(store: TokenPairs, seed: int, left: int) -> Iterator[NDArray[np.int64]]:
    """Pairs drawn at random, in portions, until there are `left` cells; extremely long pairs are left out."""
    permutation = Permutation(len(store), derive_key("lexicon", seed))
    for start in range(0, len(store), _PAIRS_AT_A_TIME):
        indices = permutation(start, min(start + _PAIRS_AT_A_TIME, len(store)))
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
    """The cells of some pairs, each as one number, and how many source tokens stand beside each target token."""
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
    """Each value once, ascending. (For whole numbers, NumPy's own way takes many times as long.)"""
    values.sort()
    distinct: NDArray[np.int64] = values[np.diff(values, prepend=-1) != 0]
    return distinct


def _probabilities(links: list[_Links], sources: NDArray[np.int32]) -> NDArray[np.float64]:
    """The probability of each target token given its source token, for all pairs of tokens that occur."""
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
    """The target tokens of each source token, (source vocabulary, N); `targets` ascend within a source token."""
    # Stable, so that equally probable ones keep their order.
    order = np.lexsort((-probabilities, sources))
    first = np.searchsorted(sources, np.arange(source_size))
    ranks = np.arange(len(sources)) - first[sources]
    kept = ranks < TRANSLATIONS
    table = np.full((source_size, 1 + int(ranks[kept].max(initial=0))), -1, np.int32)
    # `sources` ascends, and so is the same before and after sorting.
    table[sources[kept], ranks[kept]] = targets[order][kept]
    return table
