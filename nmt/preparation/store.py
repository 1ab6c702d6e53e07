"""A temporary store of cleaned pairs: their text in one file, and what the split needs to know in columns of others.

Nothing in it grows in memory with the corpus: columns are files that the system maps into memory as they are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from nmt.preparation.cleaning import CleanedPairs

_TEXT_BYTES = 1 << 22  # of text that is read at once
_ROWS = 1 << 20


class Fate(IntEnum):
    """What becomes of a pair of the store."""

    TRAINING = 0
    VALIDATION = 1
    TEST = 2
    DUPLICATE = 3
    NEAR_DUPLICATE = 4
    LENGTH_DEVIATES = 5
    HELD_OUT_SOURCE = 6
    HELD_OUT_TARGET = 7


_COLUMNS: dict[str, tuple[str, int]] = {  # name: type and width
    "pair": ("<u8", 1),
    "source": ("<u8", 1),
    "target": ("<u8", 1),
    "number": ("<u8", 1),
    "file": ("<u4", 1),
    "lengths": ("<u2", 4),
}


class PairColumns(NamedTuple):
    """What is known of each pair of a store, in the order of the pairs."""

    pair: NDArray[np.uint64]  # (N,) hashes of the pairs
    source: NDArray[np.uint64]  # (N,) hashes of the folded source sentences
    target: NDArray[np.uint64]  # (N,) hashes of the folded target sentences
    number: NDArray[np.uint64]  # (N,) number of the pair in its file
    file: NDArray[np.uint32]  # (N,) index of its file
    lengths: NDArray[np.uint16]  # (N, 4) words of source and target, characters of source and target
    fate: NDArray[np.uint8]  # (N,) its `Fate`, to be written

    def __len__(self) -> int:
        return len(self.pair)

    def fates(self) -> dict[Fate, int]:
        """Counts the pairs of each fate."""
        counts = np.zeros(len(Fate), np.int64)
        for start in range(0, len(self), _ROWS):
            counts += np.bincount(self.fate[start : start + _ROWS], minlength=len(Fate))
        return dict(zip(Fate, counts.tolist(), strict=True))


class TextBlock(NamedTuple):
    """Neighbouring pairs of a store."""

    start: int  # index of the first
    sources: list[bytes]  # each with the line feed that ends it
    targets: list[bytes]


class PairStore:
    """Takes in pairs, and then gives them back; `folder` exists and is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._resources = ExitStack()
        self.count = 0

    def __enter__(self) -> Self:
        for name in ("text", *_COLUMNS):
            self._files[name] = self._resources.enter_context((self._folder / name).open("wb"))
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def add(self, pairs: CleanedPairs) -> None:
        """Takes in the pairs kept of a batch."""
        kept = len(pairs.numbers)
        self._files["text"].write(pairs.text)
        for name, column in zip(("pair", "source", "target"), pairs.hashes.T, strict=True):
            self._write(name, column)
        self._write("number", pairs.numbers)
        self._write("file", np.full(kept, pairs.file))
        self._write("lengths", pairs.lengths)
        self.count += kept

    def _write(self, name: str, values: NDArray[Any]) -> None:
        self._files[name].write(np.ascontiguousarray(values, _COLUMNS[name][0]).tobytes())

    def columns(self) -> PairColumns:
        """Ends the taking in, and returns the columns."""
        self._resources.close()
        found = {name: self._mapped(name, kind, width) for name, (kind, width) in _COLUMNS.items()}
        return PairColumns(**found, fate=self.new_column("fate"))

    def _mapped(self, name: str, kind: str, width: int) -> NDArray[Any]:
        shape = (self.count,) if width == 1 else (self.count, width)
        if self.count == 0:
            return np.zeros(shape, kind)
        return np.memmap(self._folder / name, kind, "r", shape=shape)

    def new_column(self, name: str) -> NDArray[np.uint8]:
        """Returns a further column of zeros, one byte a pair, which can be written."""
        path = self._folder / name
        with path.open("wb") as file:
            # Written, not only made so long: on a full disk, a mapped page without space behind it kills the process.
            for start in range(0, self.count, _ROWS):
                file.write(bytes(min(_ROWS, self.count - start)))
        return np.memmap(path, np.uint8, "r+", shape=(self.count,)) if self.count else np.zeros(0, np.uint8)

    def texts(self) -> Iterator[TextBlock]:
        """Yields the text of all pairs, in blocks of bounded size."""
        start = 0
        with (self._folder / "text").open("rb") as file:
            while lines := file.readlines(_TEXT_BYTES):
                lines += islice(file, len(lines) % 2)  # the target of the last source
                yield TextBlock(start, lines[0::2], lines[1::2])
                start += len(lines) // 2
