"""The rows of a shard with what is added to them, as a file of a format."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nmt.bulk.batches import arrow_array
from nmt.bulk.columns import ERROR, Columns
from nmt.bulk.inputs import CSV, JSONL, PARQUET, TEXT, TSV
from nmt.bulk.shards import RAW_LINE, TABLE_HEAD
from nmt.io.json_lines import encoded
from nmt.io.lines import without_surrogates

ENDINGS = {PARQUET: "parquet", JSONL: "jsonl", CSV: "csv", TSV: "tsv", TEXT: "txt"}
"""Of files of a format."""


def encode_rows(table: Any, added: Mapping[str, Sequence[Any]], columns: Columns, format: str) -> bytes:
    """Encodes rows of a shard.

    Args:
        table: the rows as they were read.
        added: the columns that are added, by name.
        columns: their names.
        format: parquet, jsonl, csv, tsv or text; the last has the translations only.
    """
    if format == PARQUET:
        return _parquet(table, added, columns)
    if format == JSONL:
        return _lines(_json_lines(table, added))
    if format in (CSV, TSV):
        return _separated(table, added, format)
    return _lines([text or "" for text in added[columns.to]])


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _parquet(table: Any, added: Mapping[str, Sequence[Any]], columns: Columns) -> bytes:
    import pyarrow
    from pyarrow import parquet

    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != TABLE_HEAD}
    table = table.replace_schema_metadata(metadata)
    for name, values in added.items():
        table = table.append_column(name, arrow_array(values, is_text=columns.is_text(name)))
    written = pyarrow.BufferOutputStream()
    parquet.write_table(table, written)
    return bytes(written.getvalue())


def _json_lines(table: Any, added: Mapping[str, Sequence[Any]]) -> list[str]:
    """Adds fields to JSON lines, which stay as they were; of tables, makes them."""
    fields = [", ".join(_fields(added, index)) for index in range(table.num_rows)]
    if table.column_names == [RAW_LINE]:
        lines = table.column(RAW_LINE).to_pylist()
        return [_extended(line, more, added) for line, more in zip(lines, fields, strict=True)]
    rows = (
        ", ".join(f"{encoded(name)}: {encoded(_plain(value))}" for name, value in row.items())
        for row in table.to_pylist()
    )
    return [f"{{{', '.join(filter(None, (row, more)))}}}" for row, more in zip(rows, fields, strict=True)]


def _fields(added: Mapping[str, Sequence[Any]], index: int) -> list[str]:
    row = {name: values[index] for name, values in added.items()}
    return [f"{encoded(name)}: {encoded(value)}" for name, value in row.items() if name != ERROR or value is not None]


def _extended(line: str, fields: str, added: Mapping[str, Sequence[Any]]) -> str:
    """Adds fields to an object; what is none, or has a field of such a name, becomes the text of a field itself."""
    body = line.strip()
    there = fields_of(body)
    if there is None or not there.keys().isdisjoint(added):
        return f"{{{encoded(RAW_LINE)}: {encoded(line)}, {fields}}}"
    inner = body[:-1].rstrip()
    return f"{inner}{'' if inner == '{' else ', '}{fields}}}"


def fields_of(line: str) -> dict[str, Any] | None:
    """Returns the fields of an object of JSON; None if a line is no such object."""
    try:
        try:
            fields = json.loads(line)
        except json.JSONDecodeError:
            return None
        except ValueError:  # Python refuses whole numbers of thousands of digits, unless it is told how to keep them
            fields = json.loads(line, parse_int=Decimal)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _plain(value: Any) -> Any:
    """Returns a value of a column as JSON has it; bytes by base 64, and as text what it has no form for."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _separated(table: Any, added: Mapping[str, Sequence[Any]], format: str) -> bytes:
    head = json.loads(table.schema.metadata[TABLE_HEAD])
    columns = [*(column.to_pylist() for column in table.columns), *(map(_shown, values) for values in added.values())]
    rows = zip(*columns, strict=True)
    names = [[*table.column_names, *added]] if head["named"] else []
    separator = "\t" if format == TSV else head["separator"]
    special = re.compile(f'["\r\n{separator}]')

    def cell(text: str) -> str:
        if format == TSV:
            return text.replace("\t", " ")
        return '"' + text.replace('"', '""') + '"' if special.search(text) else text

    return _lines([separator.join(map(cell, row)) for row in (*names, *rows)])


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def error_line(file: str, row: int, identity: Any, error: str, surplus: Sequence[str]) -> str:
    """Returns the line of JSON that tells of a row that could not be translated."""
    fields: dict[str, Any] = {"file": file, "row": row}
    if identity is not None:
        fields["id"] = without_surrogates(str(identity))
    more = {"more": list(surplus)} if surplus else {}
    return encoded({**fields, ERROR: error, **more})
