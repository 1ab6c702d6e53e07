"""Reads the pairs of a set for a check, which a file that cannot be read does not end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from nmt.corpus.parallel import Columns, CorpusFiles, Pair, lacks_columns, texts_of
from nmt.errors import DataError, InputFileError
from nmt.io.lines import Line
from nmt.io.streams import read_lines
from nmt.preflight.files import FileInventory
from nmt.preflight.findings import Findings, Group
from nmt.preflight.windows import WindowedFile, spread

# Of a large set, the pairs and characters that are read, from all over it: of each of its files an equal share.
HEAD_PAIRS = 100_000
HEAD_CHARACTERS = 1 << 26

MOST_CHARACTERS = 5000
"""Maximum number of characters of a line that are kept and compared, so that memory is bounded."""


class LinePair(NamedTuple):
    """A line and its translation as they were read, and the number of the source file."""

    file: int
    source: Line
    target: Line

    def shortened(self) -> Pair:
        """Returns the pair with at most `MOST_CHARACTERS` of each line."""
        texts = (self.source.text[:MOST_CHARACTERS], self.target.text[:MOST_CHARACTERS])
        return Pair(self.file, self.source.number, *texts, self.source.too_long or self.target.too_long)


@dataclass
class PairReader:
    """Reads the pairs of a set: all of them if `_full`, the first of each file otherwise."""

    _files: FileInventory
    _findings: Findings
    _full: bool
    _progress: Callable[[int], None]  # called now and then with the number of pairs read
    _read: int = 0
    _lacking: set[str] = field(default_factory=set)  # files with a line that lacks a column

    def pairs(self, corpus: CorpusFiles) -> Iterator[LinePair]:
        """Yields the pairs, file by file, each as far as both of its files go and can be read."""
        for number, (source, target) in enumerate(corpus.pairs):
            if source in self._files.missing or target in self._files.missing:
                continue
            try:
                if columns := corpus.columns[number]:
                    yield from self._table(number, source, columns, len(corpus.source))
                else:
                    yield from self._file(number, source, target, len(corpus.source))
            except InputFileError as error:
                (problem,) = error.problems
                if problem.where not in self._files.unreadable:
                    self._files.unreadable.add(problem.where)
                    self._findings.error(Group.FILES, "unreadable", error)

    def _file(self, number: int, source: str, target: str, files: int) -> Iterator[LinePair]:
        counts = self._files.lines
        most, characters = -(-HEAD_PAIRS // files), HEAD_CHARACTERS // files
        if self._full or source not in counts or target not in counts:
            texts = zip(read_lines(source, _ignore), read_lines(target, _ignore), strict=False)
            if self._full:
                most = characters = sys.maxsize
            yield from self._counted(number, texts, most, characters)
            return
        windows = spread(min(counts[source], counts[target]), most)
        marks = self._files.marks
        with WindowedFile(source, marks[source]) as sources, WindowedFile(target, marks[target]) as targets:
            for window in windows:
                texts = zip(sources.lines(window), targets.lines(window), strict=False)
                yield from self._counted(number, texts, window.lines, characters // len(windows))

    def _table(self, number: int, path: str, columns: Columns, files: int) -> Iterator[LinePair]:
        """Yields the pairs of a file with both sides in each line; reports the first line without them."""
        for _, line, _ in self._file(number, path, path, files):
            texts = texts_of(line, columns)
            if texts is not None:
                yield LinePair(number, line._replace(text=texts[0]), line._replace(text=texts[1]))
            elif path not in self._lacking:
                self._lacking.add(path)
                self._findings.error(Group.FILES, "columns", DataError(f"{path}:{line.number}", lacks_columns(columns)))

    def _counted(
        self, number: int, texts: Iterable[tuple[Line, Line]], pairs_left: int, characters_left: int
    ) -> Iterator[LinePair]:
        for lines in texts:
            pair = LinePair(number, *lines)
            yield pair
            self._read += 1
            if self._read % 1024 == 0:
                self._progress(self._read)
            pairs_left -= 1
            characters_left -= len(pair.source.text) + len(pair.target.text)
            if pairs_left <= 0 or characters_left <= 0:
                return


def _ignore(_: str) -> None:
    """Drops a warning; the checks of the lines report the same."""
