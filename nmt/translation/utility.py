"""How much a translation is worth against another: sentence chrF and sentence BLEU of all pairs of texts at once.

The scores are those of sacreBLEU (Post 2018, arXiv:1804.08771). Its own functions compare one pair at a time; here the
n-grams of N texts are counted once, and those that two texts share come from one product of matrices for each length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from nmt.config.types import Utility
from nmt.device import own_settings

CHRF_ORDER, BLEU_ORDER = 6, 4
"""Longest n-grams: of characters (Popović 2015) and of words (Papineni et al. 2002)."""

BETA = 2
"""Weight of recall against precision in chrF2."""

# Entries of the matrix of shared n-grams that are there at a time.
_LARGEST_MATRIX = 1 << 22

Scores = NDArray[np.float64]
Counts = NDArray[np.int64]


def utility_matrix(texts: Sequence[str], utility: Utility, first_reference: int = 0) -> Scores:
    """Scores each text as a translation against those from `first_reference` on, R in all: (N, R), 0 to 100.

    `chrf` is sacreBLEU's sentence chrF2: n-grams of 1 to 6 characters, white space left out. `bleu` is its sentence
    BLEU: words as its tokenizer 13a makes them, exponential smoothing, and of short texts only the n-grams they have.
    Equal texts score 100, unless they are empty: what has no n-gram scores 0.
    """
    with own_settings():
        if utility == "bleu":
            return _bleu([_words(text) for text in texts], first_reference)
        return _chrf([_characters(text) for text in texts], first_reference)


def _characters(text: str) -> Counts:
    """Returns the code points of a text without its white space."""
    return np.frombuffer("".join(text.split()).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)


def _words(text: str) -> list[str]:
    """Returns the words of a text as BLEU counts them."""
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
    from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

    words = str(Tokenizer13a()(text.rstrip())).split()  # type: ignore[no-untyped-call]
    # They remember the last 65,536 texts of the process, which may be long.
    for remembering in (Tokenizer13a, TokenizerRegexp):
        remembering.__call__.cache_clear()
    return words


def _chrf(texts: Sequence[Counts], first: int) -> Scores:
    """Computes chrF2 from the code points of each text."""
    shape = len(texts), len(texts) - first
    precision, recall, orders = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64)
    for counts, shared in _shared_ngrams(texts, CHRF_ORDER, first):
        both = (counts[:, None] > 0) & (counts[first:] > 0)
        precision += np.divide(shared, counts[:, None], out=np.zeros(shape), where=both)
        recall += np.divide(shared, counts[first:], out=np.zeros(shape), where=both)
        orders += both
    np.divide(precision, orders, out=precision, where=orders > 0)
    np.divide(recall, orders, out=recall, where=orders > 0)
    weighted = BETA**2 * precision + recall
    return 100 * np.divide((1 + BETA**2) * precision * recall, weighted, out=np.zeros(shape), where=weighted > 0)


def _bleu(texts: Sequence[Sequence[str]], first: int) -> Scores:
    """Computes sentence BLEU from the words of each text."""
    ids: dict[str, int] = {}
    numbers = [np.array([ids.setdefault(word, len(ids)) for word in words], dtype=np.int64) for words in texts]
    lengths = np.array(list(map(len, texts)), dtype=np.int64)
    shape = len(texts), len(texts) - first
    logarithms, smoothing, matches = np.zeros(shape), np.ones(shape), np.zeros(shape)
    for counts, shared in _shared_ngrams(numbers, BLEU_ORDER, first):
        has_any = np.broadcast_to(counts[:, None] > 0, shape)
        smoothing[has_any & (shared == 0)] *= 2
        correct = np.where(shared == 0, 1 / smoothing, shared)
        precision = np.divide(100 * correct, counts[:, None], out=np.ones(shape), where=has_any)
        logarithms += np.log(precision)
        matches += shared
    orders = np.clip(lengths, 1, BLEU_ORDER)[:, None]
    relative = np.divide(lengths[first:], lengths[:, None], out=np.zeros(shape), where=matches > 0)
    brevity = np.minimum(0.0, 1 - relative)
    return np.where(matches > 0, np.exp(brevity) * np.exp(logarithms / orders), 0.0)


def _shared_ngrams(texts: Sequence[Counts], longest: int, first: int) -> Iterator[tuple[Counts, Scores]]:
    """Yields for the n-grams of each length, 1 to `longest`, how many each text has, and how many it shares with each
    of the R texts from the `first` on: (N,) and (N, R).

    The n-grams of a text are a multiset: one that stands three times in one text and twice in another is shared twice.
    """
    lengths = np.array(list(map(len, texts)), dtype=np.int64)
    total = int(lengths.sum())
    symbols = np.concatenate([np.zeros(0, np.int64), *texts])
    symbols = np.unique(symbols, return_inverse=True)[1]
    owners = np.repeat(np.arange(len(texts)), lengths)
    rest = np.repeat(np.cumsum(lengths), lengths) - np.arange(total)  # symbols from each to the end of its text
    places, prefixes = np.arange(total), np.zeros(total, np.int64)
    for size in range(1, longest + 1):
        # The n-gram at a place is the one before it without its last symbol, as a rank, and that symbol.
        found = _SortedNgrams(prefixes * total + symbols[places + size - 1], owners[places])
        counts = np.maximum(lengths - size + 1, 0)
        shared = found.overlap(len(texts), first)
        np.fill_diagonal(shared[first:], counts[first:])
        yield counts, shared
        # What only one text has, it shares in no longer n-gram either.
        goes_on = found.is_shared & (rest[places] > size)
        places, prefixes = places[goes_on], found.ranks[goes_on]


class _SortedNgrams:
    """The n-grams of one length of all texts, sorted so that equal ones stand together, text by text."""

    def __init__(self, values: Counts, owners: Counts) -> None:
        """Sorts n-grams by the value that tells different ones apart; their `owners`, numbers of texts, ascend."""
        count = len(values)
        order = np.argsort(values, kind="stable")
        values, owners = values[order], owners[order]
        is_new = np.ones(count, np.bool_)
        is_new[1:] = values[1:] != values[:-1]
        begins = is_new.copy()  # of the equal ones of one text
        begins[1:] |= owners[1:] != owners[:-1]
        positions, ranks = np.arange(count), np.cumsum(is_new) - 1
        self._several = np.bincount(ranks[begins]) > 1  # for each rank: several texts have it
        self._starts = positions[is_new]
        self._owners, self._ranks = owners, ranks
        self._repeats = positions - np.maximum.accumulate(np.where(begins, positions, 0))
        # In the order in which they came:
        self.ranks, self.is_shared = np.empty(count, np.int64), np.empty(count, np.bool_)
        self.ranks[order], self.is_shared[order] = ranks, self._several[ranks]

    def overlap(self, texts: int, first: int) -> Scores:
        """Counts the n-grams that each of so many texts shares with each other from the `first` on: (N, R).

        The sum of the smaller of two counts is a product of matrices of zeros and ones, which have a column for an
        n-gram, another for the second of its kind in a text, and so on. The sums are whole numbers, and exact.
        """
        if not self._several.any():
            return np.zeros((texts, texts - first))
        columns_of = np.where(self._several, np.maximum.reduceat(self._repeats, self._starts) + 1, 0)
        is_shared = self._several[self._ranks]
        columns = ((np.cumsum(columns_of) - columns_of)[self._ranks] + self._repeats)[is_shared]
        owners, width = self._owners[is_shared], max(1, _LARGEST_MATRIX // texts)
        order = np.argsort(columns, kind="stable")
        columns, owners = columns[order], owners[order]
        shared = torch.zeros(texts, texts - first)
        for start in range(0, int(columns_of.sum()), width):
            own = slice(*np.searchsorted(columns, (start, start + width)))
            block = np.zeros((texts, min(width, int(columns_of.sum()) - start)), np.float32)
            block[owners[own], columns[own] - start] = 1
            matrix = torch.from_numpy(block)
            shared += matrix @ matrix[first:].T
        return shared.double().numpy()
