"""The rows of a shard with what is added to them, as a file of a format."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nmt.bulk.batches import arrow_array
from nmt.bulk.columns import ERROR, Columns
from nmt.bulk.inputs import CSV, JSONL, PARQUET, TEXT, TSV
from nmt.bulk.shards import HEAD, RAW
from nmt.io.json_lines import encoded

ENDINGS = {PARQUET: "parquet", JSONL: "jsonl", CSV: "csv", TSV: "tsv", TEXT: "txt"}
"""Of files of a format."""


def encode_rows(table: Any, added: Mapping[str, Sequence[Any]], columns: Columns, kind: str) -> bytes:
    """Encodes rows of a shard.

    Args:
        table: the rows as they were read.
        added: the columns that are added, by name.
        columns: their names.
        kind: parquet, jsonl, csv, tsv or text; the last has the translations only.
    """
    if kind == PARQUET:
        return _parquet(table, added, columns)
    if kind == JSONL:
        return _lines(_json_lines(table, added))
    if kind in (CSV, TSV):
        return _separated(table, added, kind)
    return _lines([text or "" for text in added[columns.to]])


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _parquet(table: Any, added: Mapping[str, Sequence[Any]], columns: Columns) -> bytes:
    import pyarrow
    from pyarrow import parquet

    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != HEAD}
    table = table.replace_schema_metadata(metadata)
    for name, values in added.items():
        table = table.append_column(name, arrow_array(values, is_text=columns.is_text(name)))
    written = pyarrow.BufferOutputStream()
    parquet.write_table(table, written)
    return bytes(written.getvalue())


def _json_lines(table: Any, added: Mapping[str, Sequence[Any]]) -> list[str]:
    """Adds fields to JSON lines, which stay as they were; a line that is no object becomes one of the fields alone."""
    fields = [", ".join(_fields(added, place)) for place in range(table.num_rows)]
    if table.column_names == [RAW]:
        return [_extended(line, more) for line, more in zip(table.column(RAW).to_pylist(), fields, strict=True)]
    rows = (
        ", ".join(f"{encoded(name)}: {encoded(_plain(value))}" for name, value in row.items())
        for row in table.to_pylist()
    )
    return [f"{{{', '.join(filter(None, (row, more)))}}}" for row, more in zip(rows, fields, strict=True)]


def _fields(added: Mapping[str, Sequence[Any]], place: int) -> list[str]:
    row = {name: values[place] for name, values in added.items()}
    return [f"{encoded(name)}: {encoded(value)}" for name, value in row.items() if name != ERROR or value is not None]


def _extended(line: str, fields: str) -> str:
    body = line.strip()
    if fields_of(body) is None:
        return f"{{{fields}}}"
    inner = body[:-1].rstrip()
    return f"{inner}{'' if inner == '{' else ', '}{fields}}}"


def fields_of(line: str) -> dict[str, Any] | None:
    """Returns the fields of an object of JSON; None if a line is no such object."""
    try:
        fields = json.loads(line)
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


def _separated(table: Any, added: Mapping[str, Sequence[Any]], kind: str) -> bytes:
    head = json.loads(table.schema.metadata[HEAD])
    columns = [*(column.to_pylist() for column in table.columns), *(map(_shown, values) for values in added.values())]
    rows = zip(*columns, strict=True)
    names = [[*table.column_names, *added]] if head["named"] else []
    if kind == TSV:
        return _lines(["\t".join(column.replace("\t", " ") for column in row) for row in (*names, *rows)])
    written = io.StringIO()
    csv.writer(written, delimiter=head["separator"], lineterminator="\n").writerows([*names, *rows])
    return written.getvalue().encode()


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
