"""The two steps of a job that run in processes of a cluster: files become shards, and shards become output.

What they hand on is a table of one row: with Ray Data, a portion of a dataset is made and lost as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nmt.bulk.columns import ERROR, Columns, identity_number
from nmt.bulk.failures import told
from nmt.bulk.inputs import JSONL, InputFile
from nmt.bulk.model import ModelSource
from nmt.bulk.output_folder import OutputFolder
from nmt.bulk.reading import read_shards
from nmt.bulk.rows import RowTranslator, TranslatedRow, added_columns
from nmt.bulk.shards import RAW, Shard
from nmt.bulk.writing import encode_rows, fields_of
from nmt.errors import DataError, NmtError
from nmt.io.json_lines import encoded

if TYPE_CHECKING:
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions


@dataclass(frozen=True)
class Work:
    """What is to be done with the rows of a job.

    Attributes:
        model: that translates them.
        options: of the search.
        postprocessor: of translations.
        columns: of the tables.
        kind: the format of the input.
        output: where the shards go.
        most_rows: maximum number of rows of a shard.
        is_single: whether the input is one file, whose rows then draw samples as the lines of `nmt translate` do.
    """

    model: ModelSource
    options: TranslateOptions
    postprocessor: Postprocessor
    columns: Columns
    kind: str
    output: OutputFolder
    most_rows: int
    is_single: bool

    def asked_columns(self) -> list[str]:
        """The columns of the input that are used."""
        return [name for name in (self.columns.source, self.columns.id) if name is not None]


def file_row(file: InputFile, finished: Sequence[str]) -> dict[str, str]:
    """Returns the row of a dataset that stands for a file, of whose shards some are finished."""
    return {"file": json.dumps(asdict(file)), "finished": json.dumps(list(finished))}


def cut_file(batch: Any, work: Work) -> Iterator[Any]:
    """Yields a row for each shard of a file that is not finished, and a last one, which has no shard.

    Each tells how many rows before it were finished, and the bytes of the file that were read since the last.
    """
    [row] = batch.to_pylist()
    file, finished = InputFile(**json.loads(row["file"])), frozenset(json.loads(row["finished"]))
    skipped = read = 0
    try:
        for shard in read_shards(file, work.kind, work.asked_columns(), work.most_rows):
            if shard.first == 1:
                check_columns(file.name, shard, work)
            if work.output.file_name(shard.name(file.name)) in finished:
                skipped += shard.table.num_rows
                continue
            yield _shard_row(file, shard, skipped, shard.position - read)
            skipped, read = 0, shard.position
        yield _row({"skipped": skipped, "bytes": file.size - read})
    except NmtError as error:
        yield _row({"failure": told(error)})


def check_columns(name: str, shard: Shard, work: Work) -> None:
    """Raises DataError if a table lacks a column, or has one of those that are added."""
    if work.kind != JSONL and (problems := work.columns.problems(name, shard.table.column_names)):
        raise DataError.from_problems(problems)


def _shard_row(file: InputFile, shard: Shard, skipped: int, read: int) -> Any:
    import pyarrow

    payload = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(payload, shard.table.schema) as stream:
        stream.write_table(shard.table)
    told_of = {
        "file": file.name,
        "first": shard.first,
        "faults": list(shard.faults.items()),
        "warnings": shard.warnings,
        "skipped": skipped,
        "bytes": read,
    }
    return _row(told_of, payload.getvalue().to_pybytes())


def _row(told_of: dict[str, Any], payload: Any = None) -> Any:
    import pyarrow

    schema = pyarrow.schema([("told", pyarrow.string()), ("payload", pyarrow.binary())])
    return pyarrow.table({"told": [json.dumps(told_of)], "payload": [payload]}, schema=schema)


class ShardTranslator:
    """Translates and writes shards; an actor of Ray holds one, with the model, which it loads for its first shard."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows: RowTranslator | None = None

    def __call__(self, batch: Any) -> Any:
        """Takes a row that `cut_file` made, and returns one that tells what became of its shard: numbers of rows."""
        [row] = batch.to_pylist()
        told_of = json.loads(row["told"])
        if row["payload"] is None:
            return _row(told_of)
        try:
            rows, errors = self._translate(told_of, row["payload"])
        except NmtError as error:
            return _row({"failure": told(error)})
        done = {"rows": rows, "errors": errors, "skipped": told_of["skipped"], "bytes": told_of["bytes"]}
        return _row(done | {"warnings": told_of["warnings"]})

    def _translate(self, told_of: dict[str, Any], payload: bytes) -> tuple[int, int]:
        """Translates and writes a shard; returns the numbers of its rows and of those that could not be translated."""
        import pyarrow

        work, file, first = self._work, told_of["file"], told_of["first"]
        with pyarrow.ipc.open_stream(payload) as stream:
            table = stream.read_all()
        shard = Shard(first, table, 0, dict(told_of["faults"]))
        values, ids, faults = _values(shard, work, file)
        if work.columns.id is not None:
            numbers = list(map(identity_number, ids))
        elif work.is_single:
            numbers = list(range(first, first + table.num_rows))
        else:
            numbers = [identity_number(f"{file}\0{number}") for number in range(first, first + table.num_rows)]
        translated = self._loaded().translate(values, numbers, faults)
        added = added_columns(work.columns, translated)
        errors = list(_errors(file, first, ids, translated))
        data = encode_rows(table, added, work.columns, work.output.kind)
        work.output.write_shard(shard.name(file), data, errors)
        return table.num_rows, len(errors)

    def _loaded(self) -> RowTranslator:
        if self._rows is None:
            work = self._work
            self._rows = RowTranslator(work.model.load(), work.options, work.postprocessor)
        return self._rows


def _values(shard: Shard, work: Work, file: str) -> tuple[list[Any], list[Any], dict[int, str]]:
    """Returns what is to be translated, what tells the rows apart, and the faults of rows by their places.

    Raises DataError for an object of JSON with a field already of a name that is added.
    """
    source, key = work.columns.source, work.columns.id
    faults = dict(shard.faults)
    if work.kind == JSONL:
        rows = []
        for place, line in enumerate(shard.table.column(RAW).to_pylist()):
            fields = fields_of(line)
            if fields is None:
                faults.setdefault(place, "is no object of JSON")
            elif source not in fields:
                faults.setdefault(place, f"has no field {source!r}")
            elif taken := [name for name in work.columns.added if name in fields]:
                what = f"has a field {taken[0]!r} already, the name of one that is added"
                raise DataError(f"{file}:{shard.first + place}", what)
            rows.append(fields or {})
        values, ids = [row.get(source) for row in rows], [None if key is None else row.get(key) for row in rows]
    else:
        values = shard.table.column(source).to_pylist()
        ids = [None] * len(values) if key is None else shard.table.column(key).to_pylist()
    if key is not None:
        for place, one in enumerate(ids):
            if one is None:
                faults.setdefault(place, f"has no {key}")
    return values, ids, faults


def _errors(file: str, first: int, ids: Sequence[Any], rows: Sequence[TranslatedRow]) -> Iterator[str]:
    """Yields a line of JSON for each row that could not be translated."""
    for place, row in enumerate(rows):
        if row.error is not None:
            identity = {} if ids[place] is None else {"id": str(ids[place])}
            yield encoded({"file": file, "row": first + place, **identity, ERROR: row.error})
