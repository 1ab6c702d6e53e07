"""The file of the pairs that were left out, each with its place and its reason."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from nmt.io.streams import LineWriter
from nmt.preparation.reasons import Reason
from nmt.preparation.report import KindTally, PairExample

HEADER = ("place", "reason", "source", "target")
_COMPRESSION = 4  # nearly as small as the best, in a fourth of its time


class Rejections:
    """Writes rejected pairs, as a context manager, and counts them."""

    def __init__(self, path: Path, name: str, place: Callable[[int, int], str]) -> None:
        """Prepares to write to `path`, which errors call `name`; `place` names a pair by its file and its number."""
        self.tally = KindTally()
        self._path = path
        self._name = name
        self._place = place
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        raw = self._resources.enter_context(self._path.open("wb"))
        # Without name and time in its header the same pairs give the same file.
        packer = gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=_COMPRESSION, mtime=0)
        self._resources.enter_context(packer)
        self._writer = LineWriter(self._name, packer.write, self._resources)
        self._write(HEADER)
        return self

    def __exit__(self, *errors: object) -> None:
        self._writer.__exit__(*errors)

    def add(self, reason: Reason, file: int, number: int, source: str, target: str) -> None:
        """Writes a pair."""
        example = PairExample(self._place(file, number), source, target)
        self._write((example.place, str(reason), source, target))
        self.tally.add(reason)
        if self.tally.wants_example(reason):
            self.tally.add_example(reason, example)

    def _write(self, fields: Sequence[str]) -> None:
        self._writer.write("\t".join(field.replace("\t", " ") for field in fields))
