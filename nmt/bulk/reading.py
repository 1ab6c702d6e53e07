"""The rows of a file, read in shards: Parquet, JSON lines, CSV, TSV and text, compressed or not, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from nmt.bulk.file_systems import reading_errors
from nmt.bulk.inputs import JSONL, PARQUET, TEXT, InputFile
from nmt.bulk.rows import TOO_LONG
from nmt.bulk.shards import HEAD, LARGEST_BYTES, RAW, Shard
from nmt.bulk.table_rows import Row, RowsOfText, table_rows
from nmt.errors import InputFileError
from nmt.io.compression import BLOCK_BYTES, compression_of, require_library, unpacked_blocks
from nmt.io.lines import Line, ready_lines
from nmt.io.streams import InputStream

_LINES_AT_ONCE = 4096


def read_shards(file: InputFile, kind: str, columns: Sequence[str], most_rows: int) -> Iterator[Shard]:
    """Yields the rows of a file in shards; memory does not grow with the file.

    Args:
        file: to be read.
        kind: parquet, jsonl, csv, tsv or text.
        columns: those that will be asked for; see `table_rows`.
        most_rows: maximum number of rows of a shard; of rows of many bytes there are fewer.

    Raises:
        InputFileError: the file is missing, is damaged or cannot be read.
        DataError: it is broken beyond single rows.
    """
    with reading_errors(file.name), file.place.files.open_input_file(file.path) as opened:
        if kind == PARQUET:
            yield from _parquet_shards(opened, file.size, most_rows)
            return
        warnings: list[str] = []
        is_plain, passed = compression_of(file.name) is None, 0
        rows = _rows_of_text(opened, file.name, kind, columns, warnings.append)
        for first, some in _portions(rows.rows, most_rows):
            faults = {place: row.fault for place, row in enumerate(some) if row.fault is not None}
            table = _table(rows, some)
            passed += _bytes_of(table)
            # Of a small file, all is read before its first shard is complete.
            position = min(passed, opened.tell()) if is_plain else opened.tell()
            yield Shard(first, table, position, faults, tuple(warnings))
            warnings.clear()


def _parquet_shards(opened: Any, size: int, most_rows: int) -> Iterator[Shard]:
    import pyarrow
    from pyarrow import parquet

    with parquet.ParquetFile(opened, pre_buffer=False, buffer_size=1 << 20) as file:
        count = file.metadata.num_rows
        groups = range(file.metadata.num_row_groups)
        bytes_of_row = sum(file.metadata.row_group(group).total_byte_size for group in groups) / max(1, count)
        rows = max(1, min(most_rows, int(LARGEST_BYTES / max(1, bytes_of_row))))
        first, held = 1, file.schema_arrow.empty_table()
        for batch in file.iter_batches(rows, use_threads=False):
            held = pyarrow.concat_tables([held, pyarrow.Table.from_batches([batch])])
            while held.num_rows >= rows:
                yield Shard(first, held.slice(0, rows), size * (first + rows - 1) // count)
                first, held = first + rows, held.slice(rows)
        if held.num_rows:
            yield Shard(first, held, size)


def _rows_of_text(opened: Any, name: str, kind: str, columns: Sequence[str], warn: Callable[[str], None]) -> RowsOfText:
    compression = compression_of(name)
    require_library(compression, name, InputFileError)
    plain = iter(lambda: opened.read(BLOCK_BYTES), b"")
    blocks = plain if compression is None else unpacked_blocks(opened, compression)
    stream = InputStream(name, blocks, None, ExitStack())
    stream.refuse_other_than_text()
    if kind not in (JSONL, TEXT):
        return table_rows(name, kind, columns, iter(stream.read, b""), warn)
    lines = (line for some in ready_lines(stream, warn, _LINES_AT_ONCE) for line in some)
    if kind == TEXT:
        return RowsOfText([TEXT], {}, (_row(line, line.text) for line in lines))
    return RowsOfText([RAW], {}, (_row(line, line.unmarked) for line in lines))


def _row(line: Line, text: str) -> Row:
    return Row([text], TOO_LONG if line.too_long else None)


def _bytes_of(table: Any) -> int:
    """Returns about how many bytes the rows of a table of texts had in their file."""
    from pyarrow import compute

    texts = sum(compute.sum(compute.binary_length(column)).as_py() or 0 for column in table.columns)
    return int(texts + table.num_rows * table.num_columns)


def _portions(rows: Iterator[Row], most_rows: int) -> Iterator[tuple[int, list[Row]]]:
    """Yields rows in portions, each with the number of its first."""
    first, size = 1, 0
    held: list[Row] = []
    for row in rows:
        held.append(row)
        size += sum(map(len, row.values))
        if len(held) >= most_rows or size >= LARGEST_BYTES:
            yield first, held
            first, held, size = first + len(held), [], 0
    if held:
        yield first, held


def _table(rows: RowsOfText, some: Sequence[Row]) -> Any:
    import pyarrow

    texts = zip(*(row.values for row in some), strict=True)
    schema = pyarrow.schema([(name, pyarrow.string()) for name in rows.names], {HEAD: json.dumps(rows.head).encode()})
    return pyarrow.Table.from_arrays([pyarrow.array(column, pyarrow.string()) for column in texts], schema=schema)
