"""The two steps of a job that run in processes of a cluster: files become shards, and shards become output."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nmt.bulk.attempts import KILLED
from nmt.bulk.columns import identity_number
from nmt.bulk.inputs import JSONL
from nmt.bulk.job_spec import JobSpec
from nmt.bulk.messages import ShardResult, file_of_batch, shard_of_batch
from nmt.bulk.reading import read_shards
from nmt.bulk.rows import RowTranslator, TranslatedRow, added_columns
from nmt.bulk.shards import RAW_LINE, Shard, ShardName
from nmt.bulk.writing import encode_rows, error_line, fields_of
from nmt.errors import DataError, NmtError, Problem


@contextmanager
def _bad_data(where: str) -> Iterator[None]:
    """Turns what pyarrow and Python raise of values that they cannot read or write into a DataError."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, ValueError, OverflowError, KeyError) as error:
        what = f"a value of these rows cannot be read, or not be written in this format: {error!s:.300}"
        raise DataError(where, what) from error


def split_file(batch: Any, spec: JobSpec) -> Iterator[Any]:
    """Yields a row for each shard of a file that is not finished, and a last one, which has no shard.

    Each tells how many rows before it were finished, and the bytes of the file that were read since the last.
    """
    file, finished = file_of_batch(batch)
    rows = skipped = read = 0
    try:
        with _bad_data(file.name):
            for shard in read_shards(file, spec.input_format, spec.columns.used, spec.max_rows):
                if shard.first == 1:
                    check_columns(file.name, shard, spec)
                rows += shard.table.num_rows
                if str(shard.name(file.name)) in finished:
                    skipped += shard.table.num_rows
                    continue
                result = ShardResult(skipped=skipped, bytes_read=shard.position - read, warnings=shard.warnings)
                yield result.to_batch(file.name, shard)
                skipped, read = 0, shard.position
        last = ShardResult(skipped=skipped, bytes_read=file.size - read, file=file.name, rows_of_file=rows)
    except NmtError as error:
        last = ShardResult.from_error(error)
    yield last.to_batch()


def check_columns(name: str, shard: Shard, spec: JobSpec) -> None:
    """Checks the columns of a table, or the fields of the first object of JSON lines, by the first shard of a file.

    Raises DataError if one is missing, or is there already that is added.
    """
    if spec.input_format != JSONL:
        problems = spec.columns.problems(name, shard.table.column_names) if shard.table.column_names else []
    else:
        first = shard.table.column(RAW_LINE).slice(0, 1).to_pylist()
        clashes = [spec.columns.clash(fields_of(line) or {}, "field") for line in first]
        problems = [Problem(f"{name}:1", clash) for clash in clashes if clash is not None]
    if problems:
        raise DataError.from_problems(problems)


class ShardTranslator:
    """Translates and writes shards; an actor of Ray holds one, with the model, which it loads for its first shard."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self._rows: RowTranslator | None = None

    def __call__(self, batch: Any) -> Any:
        """Takes a row that `split_file` made, and returns one that tells what became of its shard."""
        task, result = shard_of_batch(batch), ShardResult.from_batch(batch)
        if task is None:
            return batch
        file, shard = task
        try:
            errors = self._translate(file, shard)
        except NmtError as error:
            return ShardResult.from_error(error).to_batch()
        return replace(result, rows=shard.table.num_rows, errors=errors).to_batch()

    def _translate(self, file: str, shard: Shard) -> int:
        """Translates and writes a shard; returns the number of its rows that could not be translated."""
        spec, name = self._spec, shard.name(file)
        attempts = spec.output.attempts(name)
        with _bad_data(name.where):
            values, ids, row_errors = _values(shard, spec)
        numbers = self._numbers(name, ids)
        translated = [TranslatedRow(error=KILLED)] * shard.table.num_rows
        for start, stop in attempts.each():
            of_piece = {index - start: error for index, error in row_errors.items() if start <= index < stop}
            rows = self._loaded().translate(values[start:stop], numbers[start:stop], of_piece)
            translated[start:stop] = rows
        errors = [
            error_line(file, shard.first + index, ids[index], row.error, shard.surplus.get(index, ()))
            for index, row in enumerate(translated)
            if row.error is not None
        ]
        with _bad_data(name.where):
            data = encode_rows(shard.table, added_columns(spec.columns, translated), spec.columns, spec.output.format)
        spec.output.write_shard(name, data, errors)
        attempts.end()
        return len(errors)

    def _numbers(self, shard: ShardName, ids: list[Any]) -> list[int]:
        """Returns the numbers by which the rows of a shard draw their samples."""
        rows = range(shard.first, shard.last + 1)
        if self._spec.columns.id is not None:
            return list(map(identity_number, ids))
        if self._spec.is_single:
            return list(rows)
        return [identity_number(f"{shard.file}\0{row}") for row in rows]

    def _loaded(self) -> RowTranslator:
        if self._rows is None:
            spec = self._spec
            self._rows = RowTranslator(spec.model.load(), spec.options, spec.postprocessor)
            gc.freeze()  # what was loaded, Ray above all: to look for garbage there takes 2 % of the time
        return self._rows


def _values(shard: Shard, spec: JobSpec) -> tuple[list[Any], list[Any], dict[int, str]]:
    """Returns what is to be translated, what identifies the rows, and what is wrong with rows, by their indices."""
    columns = spec.columns
    row_errors = dict(shard.row_errors)
    if spec.input_format == JSONL:
        values, ids = _fields(shard, spec, row_errors)
    else:
        values = _column(shard.table, columns.source, row_errors)
        ids = [None] * len(values) if columns.id is None else _column(shard.table, columns.id, row_errors)
    return values, ids, columns.id_errors(ids) | row_errors


def _fields(shard: Shard, spec: JobSpec, row_errors: dict[int, str]) -> tuple[list[Any], list[Any]]:
    columns, rows = spec.columns, []
    for index, line in enumerate(shard.table.column(RAW_LINE).to_pylist()):
        fields = fields_of(line)
        if fields is None:
            row_errors.setdefault(index, "is no object of JSON")
        elif columns.source not in fields:
            row_errors.setdefault(index, f"has no field {columns.source!r}")
        elif (clash := columns.clash(fields, "field")) is not None:
            row_errors.setdefault(index, clash)
        rows.append(fields or {})
    ids = [None if columns.id is None else row.get(columns.id) for row in rows]
    return [row.get(columns.source) for row in rows], ids


def _column(table: Any, name: str, row_errors: dict[int, str]) -> list[Any]:
    """Returns the values of a column; None for one that is none of Python, with what is wrong with its row."""
    if not table.column_names:
        return []
    column = table.column(name)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        pass  # of some value, which is found now
    values: list[Any] = []
    for index, scalar in enumerate(column):
        try:
            values.append(scalar.as_py())
        except UnicodeDecodeError:
            values.append(None)
            row_errors.setdefault(index, f"has a {name} that is not UTF-8")
        except (ValueError, OverflowError) as error:
            values.append(None)
            row_errors.setdefault(index, f"has a {name} that cannot be read: {error!s:.200}")
    return values
