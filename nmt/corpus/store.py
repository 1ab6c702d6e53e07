"""A corpus as token ids on disk, memory-mapped.

A store is a folder. `corpus.json` describes it. For each side, `source` and `target`, `SIDE.ids` holds the ids of all
sentences one after the other, without begin and end marks, and `SIDE.offsets` the place where each begins: one 64-bit
integer a sentence and one more, the number of ids. All numbers are little-endian.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.encoding import Encoded, EncodedPairs
from nmt.corpus.report import Report
from nmt.errors import DataError

FORMAT = 1
DESCRIPTION = "corpus.json"
OFFSET = np.dtype("<i8")
ID_TYPES = ("<u2", "<i4")
FILES = ("source.ids", "source.offsets", "target.ids", "target.offsets")


def new_digest() -> hashlib.blake2b:
    """Makes an empty digest of the kind that a store records of each of its files."""
    return hashlib.blake2b(digest_size=32)


@dataclass(frozen=True)
class _Description:
    """The content of `corpus.json`: of each side, the type of its ids and their number; of each file, its digest."""

    fingerprint: str
    pairs: int
    source_type: str
    source_ids: int
    target_type: str
    target_ids: int
    digests: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> tuple[Self, Report]:
        """Reads the file. Raises KeyError, TypeError or ValueError if it is not a store's, OSError if not readable."""
        value = json.loads(path.read_bytes())
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']}; expected {FORMAT}")
        description = cls(**value["corpus"])
        numbers = (description.pairs, description.source_ids, description.target_ids)
        if not all(isinstance(number, int) and number > 0 for number in numbers):
            raise ValueError(f"counts {numbers}; expected positive integers")
        if description.source_type not in ID_TYPES or description.target_type not in ID_TYPES:
            raise ValueError(f"types {description.source_type}, {description.target_type}; expected one of {ID_TYPES}")
        if not isinstance(description.digests, dict) or sorted(description.digests) != sorted(FILES):
            raise ValueError(f"digests {description.digests!r:.100}; expected those of {', '.join(FILES)}")
        report = Report.from_json(value["report"])
        if sum(report.by_file) != description.pairs or min(report.by_file) < 0:
            raise ValueError(f"{description.pairs} pairs; expected those of its files, {report.by_file}")
        return description, report

    def write(self, path: Path, report: Report) -> None:
        value = {"format": FORMAT, "corpus": asdict(self), "report": report.to_json()}
        path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


class Side(NamedTuple):
    """The sentences of one side: their ids, and the place where each begins, with the number of ids at the end."""

    ids: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def from_sentences(cls, sentences: Sequence[NDArray[np.int64]]) -> Self:
        """Joins sentences in memory."""
        return cls(np.concatenate([np.zeros(0, np.int64), *sentences]), np.cumsum([0, *map(len, sentences)]))

    @classmethod
    def map(cls, directory: Path, name: str, id_type: str, ids: int, sentences: int) -> Self:
        """Maps the files of a side. Raises ValueError if they do not fit the counts, OSError if they cannot be read."""
        side = cls(
            _map(directory / f"{name}.ids", np.dtype(id_type), ids),
            _map(directory / f"{name}.offsets", OFFSET, sentences + 1),
        )
        if side.offsets[0] != 0 or side.offsets[-1] != ids:
            raise ValueError(f"{name}.offsets does not span {ids} ids")
        return side

    def sentence(self, index: int) -> NDArray[Any]:
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        lengths: NDArray[np.int64] = self.offsets[indices + 1] - self.offsets[indices]
        return lengths


def _map(path: Path, item: np.dtype[Any], count: int) -> NDArray[Any]:
    size = path.stat().st_size
    if size != count * item.itemsize:
        raise ValueError(f"{path.name} has {size} bytes; expected {count * item.itemsize}")
    return np.memmap(path, item, mode="r", shape=(count,)).view(np.ndarray)  # slices of a plain array cost less


@dataclass(frozen=True, eq=False)
class TokenPairs:
    """Pairs of token ids without marks, by index; lengths are in tokens."""

    _source: Side
    _target: Side

    def __len__(self) -> int:
        return len(self._source.offsets) - 1

    @property
    def target_tokens(self) -> int:
        """Number of target tokens of all pairs, end marks included."""
        return self.target_tokens_between(0, len(self))

    def target_tokens_between(self, start: int, stop: int) -> int:
        """Returns the number of target tokens of the pairs from `start` on and before `stop`, end marks included."""
        return int(self._target.offsets[stop] - self._target.offsets[start]) + stop - start

    def swapped(self) -> TokenPairs:
        """Returns the pairs with their sides swapped."""
        return TokenPairs(self._target, self._source)

    def source(self, index: int) -> NDArray[Any]:
        """Returns the source ids of a pair."""
        return self._source.sentence(index)

    def target(self, index: int) -> NDArray[Any]:
        """Returns the target ids of a pair."""
        return self._target.sentence(index)

    def source_lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of source tokens of each pair."""
        return self._source.lengths(indices)

    def target_lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of target tokens of each pair."""
        return self._target.lengths(indices)


@dataclass(frozen=True, eq=False)
class Store(TokenPairs):
    """The pairs of a corpus as token ids, read from disk on demand."""

    directory: Path  # the folder of the store
    fingerprint: str  # hash of all that the store was made from
    report: Report  # on the pairs left out when it was made
    digests: Mapping[str, str]  # the hash that each file has to have, by name; opening does not check it

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Opens the store in a folder.

        Raises:
            DataError: there is none, or its files do not fit together.
        """
        try:
            found, report = _Description.read(directory / DESCRIPTION)
            source = Side.map(directory, "source", found.source_type, found.source_ids, found.pairs)
            target = Side.map(directory, "target", found.target_type, found.target_ids, found.pairs)
            return cls(source, target, directory, found.fingerprint, report, found.digests)
        except (OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise DataError(str(directory), f"no corpus that can be used: {error}") from error


class _DigestingWriter:
    """A file that hashes what is written to it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = new_digest()

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self._digest.update(data)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class _SideWriter:
    def __init__(self, directory: Path, name: str, id_type: np.dtype[Any], stack: ExitStack) -> None:
        self.id_type = id_type
        self.tokens = 0
        self._ids = _DigestingWriter(stack.enter_context((directory / f"{name}.ids").open("wb")))
        self._offsets = _DigestingWriter(stack.enter_context((directory / f"{name}.offsets").open("wb")))
        self._offsets.write(np.zeros(1, OFFSET).tobytes())

    def append(self, sentences: Encoded) -> None:
        assert sentences.ids.dtype == self.id_type
        self._ids.write(sentences.ids.tobytes())
        self._offsets.write((self.tokens + np.cumsum(sentences.lengths)).astype(OFFSET).tobytes())
        self.tokens += len(sentences.ids)

    def digests(self) -> list[str]:
        return [self._ids.hexdigest(), self._offsets.hexdigest()]


class StoreWriter:
    """Writes a store into an empty folder, which is a store once `finish` has returned."""

    def __init__(self, directory: Path, source_type: np.dtype[Any], target_type: np.dtype[Any]) -> None:
        self._directory = directory
        self._pairs = 0
        self._stack = ExitStack()
        self._source = _SideWriter(directory, "source", source_type, self._stack)
        self._target = _SideWriter(directory, "target", target_type, self._stack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an exception the files are useless: that their ends cannot be written either must not hide the cause.
        with suppress(OSError) if kind else nullcontext():
            self._stack.close()

    def append(self, pairs: EncodedPairs) -> None:
        """Appends pairs."""
        self._source.append(pairs.source)
        self._target.append(pairs.target)
        self._pairs += len(pairs.source.lengths)

    def finish(self, fingerprint: str, report: Report) -> None:
        """Writes the description of the pairs appended, which completes the store."""
        self._stack.close()
        source, target = self._source, self._target
        counts = (self._pairs, source.id_type.str, source.tokens, target.id_type.str, target.tokens)
        digests = dict(zip(FILES, source.digests() + target.digests(), strict=True))
        _Description(fingerprint, *counts, digests).write(self._directory / DESCRIPTION, report)
