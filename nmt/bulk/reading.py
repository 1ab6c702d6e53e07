"""The rows of a file, read in shards: Parquet, JSON lines, CSV, TSV and text, compressed or not, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from nmt.bulk.file_systems import reading_errors
from nmt.bulk.inputs import JSONL, PARQUET, TEXT, InputFile
from nmt.bulk.rows import TOO_LONG
from nmt.bulk.shards import LARGEST_BYTES, TABLE_HEAD, Shard
from nmt.bulk.table_rows import Row, TextRows, object_rows, table_rows
from nmt.errors import InputFileError
from nmt.io.compression import BLOCK_BYTES, compression_of, require_library, unpacked_blocks
from nmt.io.lines import ready_lines
from nmt.io.streams import InputStream
from nmt.io.tables import LONGEST_ROW

_LINES_AT_ONCE = 4096
_PARQUET_ROWS = 64  # read at once, and cut off together
_BYTES_OF_CELL = 50  # that Python needs for it besides its characters


def read_shards(file: InputFile, format: str, columns: Sequence[str], max_rows: int) -> Iterator[Shard]:
    """Yields the rows of a file in shards, at least one, in memory that does not grow with the file.

    Args:
        file: to be read.
        format: parquet, jsonl, csv, tsv or text.
        columns: those that will be asked for; see `table_rows`.
        max_rows: maximum number of rows of a shard; of rows of many bytes there are fewer.

    Raises:
        InputFileError: the file is missing, is damaged or cannot be read.
        DataError: it is broken beyond single rows, or another than was found.
    """
    location = file.location
    with reading_errors(file.name), location.files.open_input_file(location.path) as opened:
        file.check_unchanged(location)
        if format == PARQUET:
            shards = _parquet_shards(file, opened, max_rows)
        else:
            shards = _text_shards(file, opened, format, columns, max_rows)
        for shard in shards:
            file.check_unchanged(location)
            yield shard


def _parquet_shards(file: InputFile, opened: Any, max_rows: int) -> Iterator[Shard]:
    import pyarrow
    from pyarrow import parquet

    if compression_of(file.name) is not None:
        raise InputFileError(file.name, "is Parquet inside a compressed file, which is not read: unpack it first")
    with parquet.ParquetFile(opened, pre_buffer=False, buffer_size=1 << 20) as source:
        count, empty = source.metadata.num_rows, source.schema_arrow.empty_table()
        batches = source.iter_batches(_PARQUET_ROWS, use_threads=False)
        first, rows, size, held, blocks = 1, 0, 0, empty, [empty]
        # Where a shard ends depends on rows alone, not on the batches that a version of pyarrow makes of them.
        for batch in batches:
            held = pyarrow.concat_tables([held, pyarrow.Table.from_batches([batch])])
            while held.num_rows >= (wanted := min(_PARQUET_ROWS, max_rows - rows)):
                blocks.append(held.slice(0, wanted))
                held, rows, size = held.slice(wanted), rows + wanted, size + _bytes_of(blocks[-1])
                if rows == max_rows or size >= LARGEST_BYTES:
                    yield Shard(first, pyarrow.concat_tables(blocks), file.size * (first + rows - 1) // count)
                    first, rows, size, blocks = first + rows, 0, 0, [empty]
        rows += held.num_rows
        if rows or first == 1:
            yield Shard(first, pyarrow.concat_tables([*blocks, held]), file.size)


def _bytes_of(table: Any) -> int:
    """Returns about how many bytes the rows of a table take; of a dictionary, which they share, the indices alone."""
    import pyarrow

    return sum(
        chunk.indices.nbytes if pyarrow.types.is_dictionary(chunk.type) else chunk.nbytes
        for column in table.columns
        for chunk in column.chunks
    )


def _text_shards(file: InputFile, opened: Any, format: str, columns: Sequence[str], max_rows: int) -> Iterator[Shard]:
    warnings: list[str] = []
    is_plain, passed = compression_of(file.name) is None, 0
    source = _rows_of_text(opened, file.name, format, columns, warnings.append)
    for first, rows in _portions(source.rows, max_rows):
        row_errors = {index: row.error for index, row in enumerate(rows) if row.error is not None}
        surplus = {index: row.surplus for index, row in enumerate(rows) if row.surplus}
        table = _table(source, rows)
        passed += _bytes_of_texts(table)
        # Of a small file, all is read before its first shard is complete.
        position = min(passed, opened.tell()) if is_plain else opened.tell()
        yield Shard(first, table, position, row_errors, surplus, tuple(warnings))
        warnings.clear()


def _rows_of_text(opened: Any, name: str, format: str, columns: Sequence[str], warn: Callable[[str], None]) -> TextRows:
    compression = compression_of(name)
    require_library(compression, name, InputFileError)
    plain = iter(lambda: opened.read(BLOCK_BYTES), b"")
    blocks = plain if compression is None else unpacked_blocks(opened, compression)
    stream = InputStream(name, blocks, None, ExitStack())
    stream.refuse_other_than_text()
    lines = (line for some in ready_lines(stream, warn, _LINES_AT_ONCE, max_bytes=LONGEST_ROW) for line in some)
    if format == TEXT:
        return TextRows([TEXT], (Row([line.text], TOO_LONG if line.too_long else None) for line in lines))
    return object_rows(name, lines) if format == JSONL else table_rows(name, format, columns, lines)


def _bytes_of_texts(table: Any) -> int:
    """Returns about how many bytes the rows of a table of texts had in their file."""
    from pyarrow import compute

    texts = sum(compute.sum(compute.binary_length(column)).as_py() or 0 for column in table.columns)
    return int(texts + table.num_rows * table.num_columns)


def _portions(rows: Iterator[Row], max_rows: int) -> Iterator[tuple[int, list[Row]]]:
    """Yields rows in portions, at least one, each with the number of its first."""
    first, size = 1, 0
    held: list[Row] = []
    for row in rows:
        held.append(row)
        size += sum(map(len, row.values)) + sum(map(len, row.surplus))
        size += _BYTES_OF_CELL * (len(row.values) + len(row.surplus))
        if len(held) >= max_rows or size >= LARGEST_BYTES:
            yield first, held
            first, held, size = first + len(held), [], 0
    if held or first == 1:
        yield first, held


def _table(source: TextRows, rows: Sequence[Row]) -> Any:
    import pyarrow

    texts = zip(*(row.values for row in rows), strict=True) if rows else [()] * len(source.names)
    head = {TABLE_HEAD: json.dumps(source.head).encode()}
    schema = pyarrow.schema([(name, pyarrow.string()) for name in source.names], head)
    return pyarrow.Table.from_arrays([pyarrow.array(column, pyarrow.string()) for column in texts], schema=schema)
