"""Pairs in CSV: columns parted by commas or semicolons, texts that hold such a sign in quotation marks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator

from nmt.errors import DataError
from nmt.io.lines import Line, ready_lines
from nmt.preparation.readers.batches import BatchBuilder, PairBatch
from nmt.preparation.readers.encodings import EncodingWatch
from nmt.preparation.readers.names import Languages
from nmt.preparation.readers.sources import CSV_LOOKS, Source

_LINES_AT_ONCE = 4096


def read_csv(source: Source, languages: Languages, warn: Callable[[str], None]) -> Iterator[PairBatch]:
    """Yields the pairs of a table: of its first two columns, or of those that its first row names.

    Where the first of more columns has a number in the first row, the next two are taken.

    Raises:
        DataError: it is not well-formed, its rows have different numbers of columns, or it is not UTF-8.
        InputFileError: it cannot be read to its end.
    """
    watch = EncodingWatch(source.name, languages, warn)
    reader = csv.reader(_lines(source, watch), delimiter=CSV_LOOKS[source.look], strict=True)
    batch = BatchBuilder(source.name)
    columns: tuple[int, int] | None = None
    width = number = 0
    try:
        for row in reader:
            number, first = reader.line_num, number + 1  # a row begins where the one before it has ended
            if not row:
                continue
            if columns is None:
                columns, width = _columns(row, languages), len(row)
            if len(row) != width:
                what = f"has {len(row)} columns, and the first row {width}"
                raise DataError(f"{source.name}:{first}", f"{what}; put texts that hold a comma in quotation marks")
            batch.add(first, row[columns[0]], row[columns[1]])
            yield from batch.full()
    except csv.Error as error:
        raise DataError(f"{source.name}:{number + 1}", f"is not well-formed CSV from here on: {error}") from error
    yield from batch.rest()
    watch.finish()


def _lines(source: Source, watch: EncodingWatch) -> Iterator[str]:
    with source.open() as stream:
        for lines in ready_lines(stream, watch.warn, _LINES_AT_ONCE):
            watch.look(lines)
            yield from map(_text, lines)


def _text(line: Line) -> str:
    return f"{line.unmarked}\n"


def _columns(row: list[str], languages: Languages) -> tuple[int, int]:
    """Returns the columns of source and target, by the first row."""
    sides = [languages.side_of_heading(text) for text in row]
    if 0 in sides and 1 in sides:
        return sides.index(0), sides.index(1)
    return (1, 2) if len(row) > 2 and row[0].strip().isdecimal() else (0, 1)
