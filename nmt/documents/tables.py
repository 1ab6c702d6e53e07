"""Tables of any size, row by row: columns parted by tabs or commas, and objects of JSON, one a line.

Only what stands in the chosen columns changes. Quotation marks, ends of lines and everything else stay, to the byte.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from nmt.documents.document import DocumentOfUnits, TextEdit, Told, Units, edited
from nmt.documents.marked_text import unescaped
from nmt.errors import DataError
from nmt.io.lines import ByteStream
from nmt.io.tables import LONGEST_ROW, is_column_number, separator_of
from nmt.translation.result import Translation

_MOST_ROWS = 2048
_MOST_CHARACTERS = 1 << 21
_SHOWN_COLUMNS = 12
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*+"')
_LONE = re.compile("[\ud800-\udfff]")


class _Field(NamedTuple):
    """A text in a row, and how to write it there."""

    start: int
    stop: int
    text: str
    escape: Callable[[str], str]
    finish: Callable[[str], str] = unescaped  # of what was written as a whole


class _Row(NamedTuple):
    """A row as it stands, with its end, and the texts to translate."""

    number: int  # of its first line
    raw: str
    fields: list[_Field]


class _Rows(Protocol):
    def feed(self, line: str) -> _Row | None:
        """Reads a line with its end; returns the row that ends with it."""

    def finish(self) -> None:
        """Raises DataError if a row is open, or no row had the columns."""


class RowsDocument(DocumentOfUnits):
    """Some rows of a table."""

    def __init__(self, rows: Sequence[_Row], name: str, told: Told) -> None:
        """Takes rows of the table of a name; `told` is told of texts that stay as they were."""
        self._units = Units(name, told)
        self._rows = [
            (row, [self._units.add([field.text], row.number, field.escape) for field in row.fields]) for row in rows
        ]

    def written(self, translations: Sequence[Translation | None]) -> str:
        """Returns the rows with the translations of their lines; None leaves a text as it is."""
        return "".join(self._written(row, units, translations) for row, units in self._rows)

    def _written(self, row: _Row, units: Sequence[int | None], translations: Sequence[Translation | None]) -> str:
        edits = []
        for field, unit in zip(row.fields, units, strict=True):
            result = None if unit is None else self._units.result(unit, translations)
            if result is not None and not result.is_same:
                edits.append(TextEdit(field.start, field.stop, field.finish(result.text)))
        return edited(row.raw, edits) if edits else row.raw


def read_rows(stream: ByteStream, kind: str, columns: Sequence[str], told: Told) -> Iterator[RowsDocument]:
    """Yields the rows of a table, some at a time, as soon as no more of them wait to be read; memory is bounded.

    Args:
        stream: its bytes, UTF-8.
        kind: tsv, csv or jsonl.
        columns: numbers of columns, counted from 1, or their names in the first row; of jsonl, the names of fields.
        told: told of texts that stay as they were.

    Raises:
        DataError: the table is broken, with its line, or lacks a column.
    """
    name = stream.name
    rows: _Rows = _Objects(name, columns, told) if kind == "jsonl" else _Columns(name, kind, columns, told)
    gathered: list[_Row] = []
    characters = 0
    for line in _lines(stream):
        if line is not None:
            row = rows.feed(line)
            if row is None:
                continue
            gathered.append(row)
            characters += len(row.raw)
        if gathered and (line is None or len(gathered) >= _MOST_ROWS or characters >= _MOST_CHARACTERS):
            yield RowsDocument(gathered, name, told)
            gathered, characters = [], 0
    rows.finish()
    if gathered:
        yield RowsDocument(gathered, name, told)
    told.finish(name)


def _lines(stream: ByteStream) -> Iterator[str | None]:
    """Yields lines with their ends, and None where no more of them wait to be read."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    number, tail = 1, ""
    parts: list[str] = []
    held = 0
    while True:
        block = stream.read()
        try:
            text = decoder.decode(block, not block)
        except UnicodeDecodeError as error:
            number += error.object[: error.start].count(b"\n")
            raise DataError(f"{stream.name}:{number}", "is not UTF-8; convert it first, with iconv") from error
        *whole, tail = text.split("\n")
        for line in whole:
            parts.append(line)
            yield "".join(parts) + "\n"
            parts, held = [], 0
            number += 1
        parts.append(tail)
        held += len(tail)
        if held > LONGEST_ROW:
            raise DataError(f"{stream.name}:{number}", f"is longer than {LONGEST_ROW:,} characters, as no row is")
        if not block:
            break
        if not stream.is_ready():
            yield None
    if line := "".join(parts):
        yield line


class _Columns:
    """Rows whose columns are parted by tabs, or by commas or semicolons."""

    def __init__(self, name: str, kind: str, columns: Sequence[str], told: Told) -> None:
        self._name = name
        self._kind = kind
        self._columns = columns
        self._told = told
        self._delimiter = "\t" if kind == "tsv" else ""
        self._numbers: dict[int, str] | None = None  # of columns, from 0, with what they were asked for by
        self._longest = 0  # columns of a row
        self._line = 0
        self._begin = 1
        self._parts: list[str] = []
        self._held = 0
        self._is_quoted = False

    def feed(self, line: str) -> _Row | None:
        self._line += 1
        if not self._parts:
            self._begin = self._line
        if not self._delimiter:
            self._delimiter = separator_of(line)
        self._parts.append(line)
        self._held += len(line)
        if self._held > LONGEST_ROW:
            what = f"a row is longer than {LONGEST_ROW:,} characters; perhaps a quotation mark has no end"
            raise DataError(f"{self._name}:{self._begin}", what)
        if self._kind == "csv" and self._is_open(line):
            return None
        raw = "".join(self._parts)
        self._parts, self._held = [], 0
        return self._row(raw)

    def finish(self) -> None:
        if self._is_quoted:
            raise DataError(f"{self._name}:{self._begin}", "is broken: a quotation mark is not closed")
        missing = [column for number, column in (self._numbers or {}).items() if number >= self._longest]
        if missing and self._longest:
            raise DataError(self._name, f"has no column {missing[0]!r}; its longest row has {self._longest:,}")

    def _is_open(self, line: str) -> bool:
        """Follows quotation marks through a line; returns whether the row goes on in the next."""
        place = 1 if len(self._parts) == 1 and self._line == 1 and line.startswith("\ufeff") else 0
        if not self._is_quoted and line.startswith('"', place):
            self._is_quoted = True
            place += 1
        while True:
            if self._is_quoted:
                place = line.find('"', place)
                if place < 0:
                    return True
                if line.startswith('""', place):
                    place += 2
                    continue
                self._is_quoted = False
                place += 1
                self._check_behind_quotes(line, place)
            place = line.find(self._delimiter, place)
            if place < 0:
                return False
            place += 1
            if line.startswith('"', place):
                self._is_quoted = True
                place += 1

    def _check_behind_quotes(self, line: str, place: int) -> None:
        """Raises DataError for text behind a closing quotation mark: nobody can tell where the cell ends."""
        found = _SPACE.match(line, place)
        assert found is not None
        if found.end() == len(line) or self._delimiter in (line[found.end()], *found[0]):
            return
        where = "" if self._line == self._begin else f"; its row begins in line {self._begin}"
        what = f"is broken: {line[found.end() :][:20].rstrip()!r} stands behind a closing quotation mark{where}"
        raise DataError(f"{self._name}:{self._line}", what)

    def _row(self, raw: str) -> _Row:
        body = raw.rstrip("\r\n")
        if self._numbers is None:
            self._numbers = self._find_columns(body)
            self._longest = len(self._places(body))
            if any(not is_column_number(column) for column in self._columns):
                return _Row(self._begin, raw, [])
        if not body:
            return _Row(self._begin, raw, [])
        places = self._places(body)
        self._longest = max(self._longest, len(places))
        fields = []
        for number, column in self._numbers.items():
            if number >= len(places):
                self._told.left(f"{self._name}:{self._begin}", f"the row has no column {column!r}")
                continue
            start, stop = places[number]
            if self._kind == "csv" and body.startswith('"', start):
                stop = start + len(body[start:stop].rstrip(" \t"))
            value = body[start:stop]
            is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
            text = value[1:-1].replace('""', '"') if is_quoted else value
            if is_quoted or self._kind == "tsv":
                escape = _escaped_quoted if is_quoted else _without_tabs
                fields.append(_Field(start + is_quoted, stop - is_quoted, text, escape))
            else:
                fields.append(_Field(start, stop, text, unescaped, self._quoted))
        return _Row(self._begin, raw, fields)

    def _find_columns(self, body: str) -> dict[int, str]:
        names = [_value(body[start:stop]) for start, stop in self._places(body)]
        found: dict[int, str] = {}
        for column in self._columns:
            if is_column_number(column):
                found.setdefault(int(column) - 1, column)
            elif column in names:
                found.setdefault(names.index(column), column)
            else:
                shown = ", ".join(names[:_SHOWN_COLUMNS])
                raise DataError(f"{self._name}:{self._begin}", f"has no column {column!r}; it has {shown:.500}")
        return dict(sorted(found.items()))

    def _places(self, body: str) -> list[tuple[int, int]]:
        """Finds where the fields of a row stand."""
        places = []
        place = 1 if self._begin == 1 and body.startswith("\ufeff") else 0
        while True:
            start = place
            if self._kind == "csv" and body.startswith('"', place):
                place += 1
                while (place := body.find('"', place)) >= 0 and body.startswith('""', place):
                    place += 2
                place = len(body) if place < 0 else place
            stop = body.find(self._delimiter, place)
            places.append((start, len(body) if stop < 0 else stop))
            if stop < 0:
                return places
            place = stop + 1

    def _quoted(self, text: str) -> str:
        """Writes a text that had no quotation marks around it, and now may need them."""
        needs_quotes = text.startswith('"') or any(sign in text for sign in (self._delimiter, "\r", "\n"))
        return f'"{_escaped_quoted(text)}"' if needs_quotes else text


def _value(written: str) -> str:
    is_quoted = len(written) > 1 and written[0] == written[-1] == '"'
    return written[1:-1].replace('""', '"') if is_quoted else written


def _escaped_quoted(text: str) -> str:
    return text.replace('"', '""')


def _without_tabs(text: str) -> str:
    return text.replace("\t", " ")


class _Objects:
    """Objects of JSON, one a line."""

    def __init__(self, name: str, columns: Sequence[str], told: Told) -> None:
        self._name = name
        self._told = told
        self._columns = frozenset(columns)
        self._line = 0
        self._found = self._count = 0
        self._decoder = json.JSONDecoder(parse_int=lambda _: 0)  # of any length; numbers are copied as they stand

    def feed(self, line: str) -> _Row:
        self._line += 1
        fields: list[_Field] = []
        if line.strip("\ufeff \t\r\n"):
            self._count += 1
            try:
                fields = self._fields(line)
            except (ValueError, RecursionError, IndexError) as error:
                reason = f"{error!s:.200}" if isinstance(error, json.JSONDecodeError) else "nested too deep, or cut off"
                raise DataError(f"{self._name}:{self._line}", f"is no object of JSON: {reason}") from None
            self._found += bool(fields)
        return _Row(self._line, line, fields)

    def finish(self) -> None:
        if self._count and not self._found:
            names = " or ".join(sorted(self._columns))
            raise DataError(self._name, f"none of its {self._count:,} objects has a text named {names}")

    def _fields(self, line: str) -> list[_Field]:
        fields = []
        place = self._space(line, 1 if self._line == 1 and line.startswith("\ufeff") else 0)
        place = self._expect(line, place, "{")
        if line.startswith("}", place):
            self._end(line, place + 1)
            return []
        while True:
            name = _STRING.match(line, place)
            if name is None:
                raise json.JSONDecodeError("expected the name of a field", line, place)
            key, place = json.loads(name[0]), name.end()
            place = self._expect(line, self._space(line, place), ":")
            value, stop = self._decoder.raw_decode(line, place)
            if key in self._columns and isinstance(value, str):
                written = line[place + 1 : stop - 1]
                escape = _escaped_ascii if written.isascii() and not value.isascii() else _escaped_json
                fields.append(_Field(place + 1, stop - 1, value, escape))
            elif key in self._columns and isinstance(value, (list, dict)):
                what = "a list" if isinstance(value, list) else "an object"
                self._told.left(f"{self._name}:{self._line}", f"its field {key!r} holds {what}, not a text")
            place = self._space(line, stop)
            if line.startswith("}", place):
                self._end(line, place + 1)
                return fields
            place = self._expect(line, place, ",")

    def _space(self, line: str, place: int) -> int:
        found = _SPACE.match(line, place)
        return found.end() if found else place

    def _expect(self, line: str, place: int, sign: str) -> int:
        if not line.startswith(sign, place):
            raise json.JSONDecodeError(f"expected {sign}", line, place)
        return self._space(line, place + 1)

    def _end(self, line: str, place: int) -> None:
        if self._space(line, place) < len(line):
            raise json.JSONDecodeError("something stands behind the object", line, place)


def _escaped_json(text: str) -> str:
    return _LONE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", json.dumps(text, ensure_ascii=False)[1:-1])


def _escaped_ascii(text: str) -> str:
    return json.dumps(text)[1:-1]
