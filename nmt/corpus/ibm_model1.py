"""IBM Model 1: the translation probabilities of tokens, learned from a corpus of token ids.

The model of Brown et al. (1993, "The mathematics of statistical machine translation", section 4.1): each target token
comes from one source token of its pair, each equally likely, or from the end mark, which stands for their empty word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

# Where no word stands for a target token, and how steeply others fall off beside the diagonal (Dyer, Chahuneau and
# Smith 2013, "A simple, fast, and effective reparameterization of IBM Model 2"; both are the values of that paper).
_FROM_NOTHING, _STEEPNESS = 0.08, 4.0


class Lexicon(NamedTuple):
    """The translations of each token that a corpus makes most probable."""

    translations: NDArray[np.int32]  # (source vocabulary, N), most probable first, without the frequent; -1 for none
    frequent: NDArray[np.int32]  # (F,), target tokens, the most frequent first
    pairs: int  # number of pairs that they were learned from


class LexicalTable(NamedTuple):
    """The probability of each target token given each source token that it occurs beside."""

    known: NDArray[np.int64]  # source token · target vocabulary + target token, ascending
    probabilities: NDArray[np.float64]  # of these
    target_size: int
    end: int  # the source's end mark

    def most_probable_sources(self, store: TokenPairs, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns for each target token of some pairs, one after the other, its source token's place; -1 for none.

        Of equally probable source tokens that is the one nearest to the diagonal, on which translations mostly stand.
        """
        cells, beside = _cells(store, indices, self.end, self.target_size)
        found = np.minimum(np.searchsorted(self.known, cells), len(self.known) - 1)
        probabilities = np.where(self.known[found] == cells, self.probabilities[found], 0.0)
        first = np.cumsum(beside) - beside
        sources = np.arange(len(cells)) - np.repeat(first, beside)
        probabilities *= _near_the_diagonal(sources, beside, first, store.target_lengths(indices))
        best = np.maximum.reduceat(probabilities, first)
        places = np.minimum.reduceat(np.where(probabilities == np.repeat(best, beside), sources, len(cells)), first)
        return np.where((best > 0) & (places < beside - 1), places, -1)


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
    counts = np.zeros(target_size, np.int64)
    for indices in sample:
        counts += np.bincount(np.concatenate([store.target(n) for n in indices.tolist()]), minlength=target_size)
    known, links = _linked(store, sample, end, target_size, lambda: None)
    sources, targets = (known // target_size).astype(np.int32), (known % target_size).astype(np.int32)
    del known  # by far the largest array, and no longer needed
    probabilities = _probabilities(links, sources, lambda: None)
    frequent = np.argsort(-counts, kind="stable")[: min(FREQUENT, np.count_nonzero(counts))]
    others = ~np.isin(targets, frequent)
    translations = _most_probable(sources[others], targets[others], probabilities[others], source_size)
    return Lexicon(translations, frequent.astype(np.int32), sum(map(len, sample)))


def learn_table(store: TokenPairs, target_size: int, end: int, seed: int, tick: Callable[[], None]) -> LexicalTable:
    """Learns the probabilities of a sample of the corpus, as `learn_lexicon` does: of all that occur.

    `tick` is called now and then; what it raises ends the work.
    """
    known, links = _linked(store, list(_sample(store, Mixture.of_one(len(store)), seed, CELLS)), end, target_size, tick)
    probabilities = _probabilities(links, (known // target_size).astype(np.int32), tick)
    return LexicalTable(known, probabilities, target_size, end)


def portions(store: TokenPairs) -> Iterator[NDArray[np.int64]]:
    """Yields all pairs, in order, in portions of a number of cells that memory has room for, of one pair at least."""
    for start in range(0, len(store), _PAIRS_AT_A_TIME):
        indices = np.arange(start, min(start + _PAIRS_AT_A_TIME, len(store)))
        cells = np.cumsum((store.source_lengths(indices) + 1) * (store.target_lengths(indices) + 1))
        yield from np.split(indices, np.flatnonzero(np.diff(cells // CELLS_AT_A_TIME)) + 1)


def _linked(
    store: TokenPairs, sample: list[NDArray[np.int64]], end: int, target_size: int, tick: Callable[[], None]
) -> tuple[NDArray[np.int64], list[_Links]]:
    """Returns the cells of a sample, each once, and the links of each of its portions to them."""
    known = np.zeros(0, np.int64)  # source token · target vocabulary + target token, ascending
    for indices in sample:
        known = _distinct(np.concatenate([known, _cells(store, indices, end, target_size)[0]]))
        tick()
    links = []
    for indices in sample:
        cells, beside = _cells(store, indices, end, target_size)
        distinct, places = np.unique(cells, return_inverse=True)
        links.append(_Links(np.searchsorted(known, distinct).astype(np.int32)[places], beside))
        tick()
    return known, links


def _near_the_diagonal(
    sources: NDArray[np.int64], beside: NDArray[np.int64], first: NDArray[np.int64], target_lengths: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns, up to a factor, how probable the place of each cell's source token is, by that of its target token.

    The arguments are the places of source tokens, and of each target token the number of those beside it and its first
    cell, and of each pair its number of target tokens.
    """
    targets = np.arange(len(beside)) - np.repeat(np.cumsum(target_lengths) - target_lengths, target_lengths)
    across = (targets + 0.5) / np.repeat(target_lengths, target_lengths)
    priors = np.exp(-_STEEPNESS * np.abs((sources + 0.5) / np.repeat(beside - 1, beside) - np.repeat(across, beside)))
    marks = first + beside - 1  # of the end mark, which stands for nothing
    priors[marks] = 0
    priors[marks] = np.add.reduceat(priors, first) * (_FROM_NOTHING / (1 - _FROM_NOTHING))
    return priors


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


def _probabilities(links: list[_Links], sources: NDArray[np.int32], tick: Callable[[], None]) -> NDArray[np.float64]:
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
            tick()
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
