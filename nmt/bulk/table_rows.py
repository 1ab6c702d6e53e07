"""The rows of CSV, TSV and JSON lines, as they stand there."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from nmt.bulk.inputs import TSV
from nmt.bulk.shards import RAW_LINE
from nmt.errors import DataError
from nmt.io.lines import Line, is_blank
from nmt.io.tables import LONGEST_ROW, is_column_number, separator_of

# The module csv refuses a `\r` without quotation marks; a lone surrogate, which no line holds, takes its place.
_CARRIAGE_RETURN = "\udc0d"


class Row(NamedTuple):
    """A row of text: its columns, what is wrong with it, and columns that it has more than its table."""

    values: Sequence[str]
    error: str | None = None
    surplus: Sequence[str] = ()


@dataclass(frozen=True)
class TextRows:
    """Rows of text, the names of their columns, and what writing them needs to know."""

    names: Sequence[str]
    rows: Iterator[Row]
    head: dict[str, Any] = field(default_factory=lambda: {"separator": ",", "named": False})


def table_rows(name: str, format: str, columns: Sequence[str], lines: Iterable[Line]) -> TextRows:
    """Reads the head of CSV or TSV, and returns the rows. Blank lines are none.

    Args:
        name: of the file.
        format: csv or tsv; of CSV, commas, semicolons or tabs separate columns, whichever its first line has most of.
        columns: those that will be asked for; where all are numbers, the columns have no names, and count from 1.
        lines: of the file.

    Raises:
        DataError: two columns have one name; and, as rows are read, one is longer than any should be, or broken.
    """
    texts = _texts(name, lines)
    first = next(filter(None, texts), None)
    if first is None:
        return TextRows([], iter(()))
    separator = "\t" if format == TSV else separator_of(first)
    texts = chain([first], texts)
    records = (text.split("\t") for text in texts if text) if format == TSV else _records(name, separator, texts)
    head = next(records, [])
    is_named = not all(map(is_column_number, columns))
    names = head if is_named else [str(number) for number in range(1, len(head) + 1)]
    if len(set(names)) < len(names):
        raise DataError(f"{name}:1", f"two columns have one name: {', '.join(names):.500}")
    rows = records if is_named else chain([head], records)
    fitted = (_fitted(record, len(names)) for record in rows)
    return TextRows(names, fitted, {"separator": separator, "named": is_named})


def object_rows(name: str, lines: Iterable[Line]) -> TextRows:
    """Returns JSON lines as rows, which `nmt.bulk.writing` reads further. Blank lines are none.

    Raises DataError, as rows are read, for a line longer than any should be, and for JSON over several lines.
    """
    return TextRows([RAW_LINE], _objects(name, _texts(name, lines)))


def _objects(name: str, texts: Iterator[str]) -> Iterator[Row]:
    texts = (text for text in texts if not is_blank(text))
    for text in texts:
        if text.strip().startswith("[") or text.strip() == "{":
            what = "is JSON over several lines, or an array: expected an object on each line, as jq -c '.[]' writes"
            raise DataError(name, what)
        yield Row([text])
        break
    yield from (Row([text]) for text in texts)


def _texts(name: str, lines: Iterable[Line]) -> Iterator[str]:
    """Yields the texts of lines; raises DataError for one that is longer than any should be."""
    for line in lines:
        if line.too_long:
            raise DataError(f"{name}:{line.number}", f"is longer than {LONGEST_ROW:,} bytes, as no row is")
        yield line.unmarked


def _records(name: str, separator: str, texts: Iterator[str]) -> Iterator[list[str]]:
    held = 0

    def lines() -> Iterator[str]:
        nonlocal held
        for text in texts:
            held += len(text)
            if held > LONGEST_ROW:
                what = f"a row is longer than {LONGEST_ROW:,} characters; perhaps a quotation mark has no end"
                raise DataError(f"{name}:{reader.line_num + 1}", what)
            yield text.replace("\r", _CARRIAGE_RETURN) + "\n"

    csv.field_size_limit(LONGEST_ROW)
    reader = csv.reader(lines(), delimiter=separator, strict=True)
    try:
        for record in reader:
            held = 0
            if record:
                yield [cell.replace(_CARRIAGE_RETURN, "\r") for cell in record]
    except csv.Error as error:
        raise DataError(f"{name}:{reader.line_num}", f"is broken, perhaps by a quotation mark: {error}") from error


def _fitted(values: list[str], width: int) -> Row:
    """Makes a row as wide as the head, with what is wrong with one that was not."""
    if len(values) == width:
        return Row(values)
    error = f"has {len(values)} column{'' if len(values) == 1 else 's'}, not {width}"
    return Row([*values[:width], *[""] * (width - len(values))], error, values[width:])
