"""Pseudo-random orders: pure functions of integers, the same on every machine and with every version of NumPy."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

ROUNDS = 6
SMALLEST_HALF = 4  # bits; with fewer, a round has too few values to mix
WORD = (1 << 64) - 1


def derive_key(*parts: int | str) -> int:
    """Derives a 64-bit key from integers and words, such as a seed, an epoch and a purpose."""
    text = "\0".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def mix(values: NDArray[np.uint64], key: int) -> NDArray[np.uint64]:
    """Hashes each value to 64 bits by a key: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    mixed = values ^ np.uint64(key & WORD)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def shuffled(size: int, key: int) -> Indices:
    """Returns the numbers below `size` in the order of a `key`; takes memory for all of them."""
    return np.argsort(mix(np.arange(size, dtype=np.uint64), key), kind="stable")


class Permutation:
    """A keyed permutation of the numbers below `size` that takes no memory: any part of it is computed on demand.

    A balanced Feistel network over the next power of two with an even exponent, applied until the value is below
    `size` (cycle walking; Black and Rogaway 2002, Ciphers with arbitrary finite domains).
    """

    def __init__(self, size: int, key: int) -> None:
        self.size = size
        self._half = np.uint64(max(SMALLEST_HALF, ((size - 1).bit_length() + 1) // 2))
        self._keys = [derive_key(key, number) for number in range(ROUNDS)]

    def __call__(self, start: int, stop: int) -> Indices:
        """Returns the numbers at the places `start` to `stop` (excluded) of the permuted order."""
        return self.at(np.arange(start, stop))

    def at(self, places: Indices) -> Indices:
        """Returns the numbers at some places of the permuted order."""
        values = self._network(places.astype(np.uint64))
        while len(outside := np.flatnonzero(values >= self.size)):
            values[outside] = self._network(values[outside])
        return values.astype(np.int64)

    def _network(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        mask = (np.uint64(1) << self._half) - np.uint64(1)
        left, right = values >> self._half, values & mask
        for key in self._keys:
            left, right = right, left ^ (mix(right, key) & mask)
        return (left << self._half) | right
