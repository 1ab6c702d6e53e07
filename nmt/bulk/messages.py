"""What the steps of a job hand on: a table of one row, which Ray Data makes and loses as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from nmt.bulk.inputs import InputFile
from nmt.bulk.shards import Shard
from nmt.errors import NmtError, error_from_json


@dataclass(frozen=True)
class ShardResult:
    """What became of a shard; the last of a file has none, and tells of the file.

    Attributes:
        rows: number of rows of the shard.
        errors: of these, those that could not be translated.
        skipped: rows since the shard before that were finished already.
        bytes_read: of the file since the shard before.
        warnings: of rows that had to be mended.
        file: in the last result of a file, its name.
        rows_of_file: there, the number of its rows.
        failure: what ends the job, as `NmtError.as_json` describes it.
    """

    rows: int = 0
    errors: int = 0
    skipped: int = 0
    bytes_read: int = 0
    warnings: Sequence[str] = ()
    file: str | None = None
    rows_of_file: int = 0
    failure: dict[str, Any] | None = None

    @classmethod
    def from_error(cls, error: NmtError) -> Self:
        """Makes the result that ends the job."""
        return cls(failure=error.as_json())

    @classmethod
    def from_batch(cls, batch: Any) -> Self:
        """Reads the result of a table that `to_batch` made."""
        [text] = batch.column("result").to_pylist()
        return cls.from_json(text)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the result of the column `result` of such a table."""
        return cls(**json.loads(text))

    def raise_failure(self) -> None:
        """Raises the error that ends the job, if there is one."""
        if self.failure is not None:
            raise error_from_json(self.failure)

    def to_batch(self, file: str | None = None, shard: Shard | None = None) -> Any:
        """Makes a table of one row, with the shard of a file if that is still to be translated."""
        import pyarrow

        names = ("result", "shard", "rows")
        kinds = (pyarrow.string(), pyarrow.string(), pyarrow.binary())
        values = (json.dumps(asdict(self)), *((None, None) if shard is None else _shard_values(file, shard)))
        columns = [pyarrow.array([value], kind) for value, kind in zip(values, kinds, strict=True)]
        return pyarrow.Table.from_arrays(columns, names)


def _shard_values(file: str | None, shard: Shard) -> tuple[str, bytes]:
    import pyarrow

    rows = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(rows, shard.table.schema) as stream:
        stream.write_table(shard.table)
    by_index = [list(shard.row_errors.items()), list(shard.surplus.items())]
    return json.dumps([file, shard.first, *by_index]), rows.getvalue().to_pybytes()


def shard_of_batch(batch: Any) -> tuple[str, Shard] | None:
    """Returns the shard of a table that `to_batch` made, and the name of its file; None if it has none."""
    import pyarrow

    [row] = batch.to_pylist()
    if row["shard"] is None:
        return None
    file, first, row_errors, surplus = json.loads(row["shard"])
    with pyarrow.ipc.open_stream(row["rows"]) as stream:
        table = stream.read_all()
    return file, Shard(first, table, 0, dict(row_errors), dict(surplus))


def file_row(file: InputFile, finished: Sequence[str]) -> dict[str, str]:
    """Returns the row of a dataset that stands for a file, of which shards of these names are finished."""
    return {"file": json.dumps(asdict(file)), "finished": json.dumps(list(finished))}


def file_of_batch(batch: Any) -> tuple[InputFile, frozenset[str]]:
    """Returns what `file_row` was given."""
    [row] = batch.to_pylist()
    return InputFile(**json.loads(row["file"])), frozenset(json.loads(row["finished"]))
