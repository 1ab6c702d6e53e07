"""A stand-in for `nmt.preparation.readers.corpus`, until that is there: TSV, plain or in a zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from nmt.io.streams import read_lines

_PAIRS = 4096


class PairBatch(NamedTuple):
    """Neighbouring pairs of a file."""

    file: str
    numbers: list[int]
    sources: list[str]
    targets: list[str]


def read_corpus(
    inputs: Sequence[str],
    languages: tuple[str, str],  # noqa: ARG001 (the readers need them)
    warn: Callable[[str], None],
) -> Iterator[PairBatch]:
    """Yields the pairs of all inputs."""
    for path in inputs:
        if path.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if not name.startswith("_"):
                        with io.TextIOWrapper(archive.open(name), "utf-8", newline="\n") as text:
                            yield from _batches(f"{path}/{name}", (line.rstrip("\n") for line in text))
        else:
            yield from _batches(path, (line.text for line in read_lines(path, warn)))


def _batches(name: str, lines: Iterator[str]) -> Iterator[PairBatch]:
    start = 1
    while rows := [[*line.split("\t"), ""] for line in islice(lines, _PAIRS)]:
        numbers = list(range(start, start + len(rows)))
        yield PairBatch(name, numbers, [row[0] for row in rows], [row[1] for row in rows])
        start += len(rows)
