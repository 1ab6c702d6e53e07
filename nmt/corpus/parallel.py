"""Reading parallel text: pairs of lines that translate each other."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, Self

from nmt.config.parallel_files import ParallelFiles
from nmt.errors import DataError, InputFileError, Problem
from nmt.io.lines import Line, is_blank, ready_lines
from nmt.io.streams import InputStream, open_text, read_lines

MARK_BYTES = 1 << 18
"""Number of bytes of text between two marks."""


Columns = tuple[int, int]
"""The columns of a line, counted from 1, in which a source and its target stand."""


@dataclass(frozen=True)
class CorpusFiles:
    """The files of a corpus; line n of the k-th target file translates line n of the k-th source file.

    Where the k-th `columns` are not None, both are one file, and each of its lines holds both in these columns, which
    tabs part. Without `columns`, no file has any.

    Raises:
        ValueError: there are no files, or not as many on both sides, or not as many columns.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    columns: tuple[Columns | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.source or len(self.source) != len(self.target):
            counts = f"{len(self.source)} source files and {len(self.target)} target files"
            raise ValueError(f"{counts}; expected as many, and one at least")
        if len(columns := self.columns or (None,) * len(self.source)) != len(self.source):
            raise ValueError(f"{len(columns)} columns of {len(self.source)} files")
        object.__setattr__(self, "columns", columns)

    @classmethod
    def from_config(cls, *sets: ParallelFiles) -> Self:
        """Takes the files of one or several sets, in this order, as a configuration names them."""
        source = tuple(path for one in sets for path in one.paths[0])
        target = tuple(path for one in sets for path in one.paths[1])
        columns = tuple(one.columns if one.pairs else None for one in sets for _ in one.paths[0])
        return cls(source, target, columns)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files of both sides, each once."""
        return tuple(dict.fromkeys(self.source + self.target))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each source file with its target file."""
        return list(zip(self.source, self.target, strict=True))

    def check_present(self) -> None:
        """Checks that each file can be read, and read again.

        Raises:
            InputFileError: files are missing or are not regular files; it names each.
        """
        if problems := list(filter(None, map(absence, self.paths))):
            raise InputFileError.from_problems(problems)

    def check_line_counts(self, tick: Callable[[], None] = lambda: None) -> None:
        """Checks that files that belong together have equal numbers of lines, without decoding the lines.

        `tick` is called now and then; what it raises ends the work.

        Raises:
            DataError: they have not; it names each two files, with both counts.
            InputFileError: a file cannot be read.
        """
        problems = []
        for source, target in (pair for pair, columns in zip(self.pairs, self.columns, strict=True) if not columns):
            source_lines, target_lines = count_lines(source, tick), count_lines(target, tick)
            if source_lines != target_lines:
                problems.append(unequal_lines(source, source_lines, target, target_lines))
        if problems:
            raise DataError.from_problems(problems)


def absence(path: str) -> Problem | None:
    """Returns the problem of a file that cannot be read, and read again, as far as it shows unopened; None without."""
    try:
        regular = stat.S_ISREG(Path(path).stat().st_mode)
    except FileNotFoundError:
        return Problem(path, "no such file")
    except (OSError, ValueError) as error:  # ValueError for a path with NUL in it
        return Problem(path, f"cannot be read: {error}")
    return None if regular else Problem(path, "not a regular file; a corpus is read more than once")


def unequal_lines(source: str, source_lines: int, target: str, target_lines: int) -> Problem:
    """Makes the problem of two files that belong together and have unequal numbers of lines."""
    return Problem(source, f"{source_lines} lines, but its translation {target} has {target_lines}; expected as many")


class Mark(NamedTuple):
    """A place in the text of a file: so many line feeds stand before that byte."""

    lines: int
    offset: int


def count_lines(path: str, tick: Callable[[], None] = lambda: None, marks: list[Mark] | None = None) -> int:
    """Counts the lines of a file, compressed or not; the last needs no line feed. `tick` as for `check_line_counts`.

    `marks` receives places by which a line can be found again: one in `MARK_BYTES` of text, or two.

    Raises:
        InputFileError: the file cannot be read.
    """
    lines, last, offset, marked = 0, b"\n", 0, 0
    with open_text(path) as stream:
        while block := stream.read():
            if marks is not None and offset >= marked:
                marks.append(Mark(lines, offset))
                marked = offset + MARK_BYTES
            lines += block.count(b"\n")
            last, offset = block[-1:], offset + len(block)
            tick()
    return lines + (last != b"\n")


def texts_of(line: Line, columns: Columns) -> tuple[str, str] | None:
    """Returns the texts of both columns of a line, of which a blank one has two blank ones; None where one lacks."""
    if is_blank(line.text):
        return "", ""
    cells = line.text.split("\t")
    return None if len(cells) < max(columns) else (cells[columns[0] - 1], cells[columns[1] - 1])


def lacks_columns(columns: Columns) -> str:
    """Says of a line that it lacks one of the columns."""
    return f"has no column {max(columns)}; expected text in columns {columns[0]} and {columns[1]}, parted by tabs"


class Pair(NamedTuple):
    """A line and its translation."""

    file: int  # index of the source file that it comes from
    number: int  # the number of the line, counted from 1
    source: str
    target: str
    too_long: bool  # True if one of the lines has more bytes than a line may have


def read_pairs(files: CorpusFiles, warn: Callable[[str], None]) -> Iterator[Pair]:
    """Yields the pairs of all files, in order, with none left out.

    Files are read line by line, so that memory does not grow with their size. `warn` is called with a message about
    lines that are not UTF-8.

    Raises:
        DataError: files that belong together have unequal numbers of lines, raised where the shorter one ends; or a
            line has not the columns that it should have.
        InputFileError: a file is missing or cannot be read.
    """
    files.check_present()
    for file, (source_path, target_path) in enumerate(files.pairs):
        if columns := files.columns[file]:
            for line in read_lines(source_path, warn):
                if (texts := texts_of(line, columns)) is None:
                    raise DataError(f"{source_path}:{line.number}", lacks_columns(columns))
                yield Pair(file, line.number, *texts, line.too_long)
            continue
        for source, target in zip_longest(read_lines(source_path, warn), read_lines(target_path, warn)):
            if source is None or target is None:
                files.check_line_counts()
                raise DataError(source_path, f"it or its translation {target_path} changed while it was being read")
            yield Pair(file, source.number, source.text, target.text, source.too_long or target.too_long)


def ready_pairs(
    source: InputStream, target: InputStream, warn: Callable[[str], None], most: int
) -> Iterator[list[tuple[Line, Line]]]:
    """Yields the lines of two streams in pairs, in lists of 1 to `most`, as soon as they can be read.

    Memory is bounded whatever the streams hold. `warn` is called with a message about lines not UTF-8 or too long.

    Raises:
        DataError: one stream has more lines than the other; raised where the shorter one ends, with both counts.
        InputFileError: one cannot be read.
    """
    of_source, of_target = ready_lines(source, warn, most), ready_lines(target, warn, most)
    sources, targets = next(of_source, []), next(of_target, [])
    paired = 0
    while sources and targets:
        count = min(len(sources), len(targets))
        yield list(zip(sources[:count], targets[:count], strict=True))
        paired += count
        sources, targets = sources[count:] or next(of_source, []), targets[count:] or next(of_target, [])
    if sources or targets:
        source_lines = paired + len(sources) + sum(map(len, of_source))
        target_lines = paired + len(targets) + sum(map(len, of_target))
        raise DataError.from_problems([unequal_lines(source.name, source_lines, target.name, target_lines)])
