"""The rows of CSV and TSV, as they stand there."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from nmt.bulk.inputs import TSV
from nmt.errors import DataError
from nmt.io.lines import BYTE_ORDER_MARK

LONGEST_LINE = 1 << 22
"""Maximum number of bytes of a line, and of characters of a column; more are broken, or no table."""

_MOST_WARNINGS = 5


class Row(NamedTuple):
    """A row of text: its columns, and what is wrong with it."""

    values: Sequence[str]
    fault: str | None = None


class RowsOfText(NamedTuple):
    """Rows of text, the names of their columns, and what writing them needs to know."""

    names: Sequence[str]
    head: dict[str, Any]
    rows: Iterator[Row]


def table_rows(
    name: str, kind: str, columns: Sequence[str], blocks: Iterable[bytes], warn: Callable[[str], None]
) -> RowsOfText:
    """Reads the head of a table, and returns its rows. Of CSV, blank lines are none.

    Args:
        name: of the file.
        kind: csv or tsv; of CSV, commas, semicolons or tabs part columns, whichever its first line has most of.
        columns: those that will be asked for; where all are numbers, the columns have no names, and count from 1.
        blocks: its bytes.
        warn: called with a warning for each line that is no UTF-8, up to five.

    Raises:
        DataError: two columns have one name; and, as rows are read, a line or a column is longer than any should be.
    """
    lines = _lines(name, blocks, warn)
    first = next(lines, None)
    if first is None:
        return RowsOfText([], {}, iter(()))
    start = first.removeprefix(BYTE_ORDER_MARK)
    separator = "\t" if kind == TSV else max(",;\t", key=start.count)
    lines = chain([start], lines)
    records = (line.rstrip("\r\n").split("\t") for line in lines) if kind == TSV else _records(name, separator, lines)
    head = next(records, [])
    is_named = not all(column.isascii() and column.isdigit() for column in columns)
    names = head if is_named else [str(number) for number in range(1, len(head) + 1)]
    if len(set(names)) < len(names):
        raise DataError(f"{name}:1", f"two columns have one name: {', '.join(names):.500}")
    rows = records if is_named else chain([head], records)
    fitted = (_fitted(record, len(names)) for record in rows)
    return RowsOfText(names, {"separator": separator, "named": is_named}, fitted)


def _lines(name: str, blocks: Iterable[bytes], warn: Callable[[str], None]) -> Iterator[str]:
    """Yields lines with their ends."""
    number, warned = 0, 0
    tail = b""
    for block in chain(blocks, [b""]):
        *whole, tail = (tail + block).split(b"\n")
        ended = [line + b"\n" for line in whole] + [tail] * (not block and bool(tail))
        for line in ended:
            number += 1
            try:
                yield line.decode()
            except UnicodeDecodeError:
                warned += 1
                if warned <= _MOST_WARNINGS:
                    warn(f"{name}:{number}: invalid UTF-8, replaced by U+FFFD")
                yield line.decode(errors="replace")
        if len(tail) > LONGEST_LINE:
            raise DataError(f"{name}:{number + 1}", f"is longer than {LONGEST_LINE:,} bytes, as no line of a table is")


def _records(name: str, separator: str, lines: Iterable[str]) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(lines, delimiter=separator)
    try:
        yield from filter(None, reader)
    except csv.Error as error:
        raise DataError(f"{name}:{reader.line_num}", f"is broken, perhaps by a quotation mark: {error}") from error


def _fitted(values: list[str], width: int) -> Row:
    """Makes a row as wide as the head, with what is wrong with one that was not."""
    if len(values) == width:
        return Row(values)
    fault = f"has {len(values)} column{'' if len(values) == 1 else 's'}, not {width}"
    return Row([*values[:width], *[""] * (width - len(values))], fault)
