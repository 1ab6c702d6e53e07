"""Parquet files, as translation sets are distributed on the Hugging Face Hub."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from nmt.errors import DataError, InputFileError
from nmt.libraries import how_to_install
from nmt.preparation.readers.batches import BatchBuilder, PairBatch
from nmt.preparation.readers.names import Languages
from nmt.preparation.readers.sources import Source, UnpackingLimit

_ROWS = 1024
_BUFFER_BYTES = 1 << 20
_NESTED = "translation"
_USUAL_NAMES = (("source", "target"), ("src", "tgt"), ("src", "trg"), ("source_text", "target_text"))
_SHOWN_COLUMNS = 8


def read_parquet(
    source: Source, languages: Languages, workspace: Path, tick: Callable[[], None]
) -> Iterator[PairBatch]:
    """Yields the pairs of a Parquet file: of a column `translation`, or two named by languages or source and target.

    Raises:
        DataError: it has no such columns, other things than text in them, or unpacks to too much.
        InputFileError: it cannot be read to its end, or pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise InputFileError(source.name, f"needs pyarrow: {how_to_install('parquet')}")
    from pyarrow import parquet

    batch = BatchBuilder(source.name)
    number = 0
    with (
        source.as_file(workspace, tick) as path,
        _errors(source.name),
        parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file,
    ):
        metadata = file.metadata
        unpacked = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
        UnpackingLimit(source.name, path.stat().st_size).count(unpacked)
        columns, sides = _columns(source.name, file.schema_arrow, languages)
        for rows in file.iter_batches(_ROWS, columns=columns, use_threads=False):
            for row in rows.to_pylist():
                number += 1
                texts = sides(row)
                for text in texts:
                    if not isinstance(text, str):
                        raise DataError(f"{source.name}:{number}", f"expected text, found {type(text).__name__}")
                batch.add(number, *texts)
                yield from batch.full()
    yield from batch.rest()


@contextmanager
def _errors(name: str) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputFileError(name, f"is a Parquet file that is damaged: {error}") from error


def _columns(
    name: str, schema: Any, languages: Languages
) -> tuple[list[str], Callable[[dict[str, Any]], tuple[Any, Any]]]:
    """Returns the columns to read, and the function that takes source and target from a row of them."""
    import pyarrow

    names = schema.names
    if _NESTED in names and (pyarrow.types.is_struct(kind := schema.field(_NESTED).type) or pyarrow.types.is_map(kind)):
        return [_NESTED], lambda row: _sides_of_translation(name, row[_NESTED], languages)
    for pair in (_by_language(names, languages), *_USUAL_NAMES):
        if pair is not None and set(pair) <= set(names):
            return [*pair], partial(_sides_of_columns, pair)
    shown = ", ".join(names[:_SHOWN_COLUMNS])
    what = f"has the columns {shown}; expected {_NESTED}, or two named by {languages}, or source and target"
    raise DataError(name, what)


def _sides_of_columns(columns: tuple[str, str], row: dict[str, Any]) -> tuple[Any, Any]:
    return _text(row[columns[0]]), _text(row[columns[1]])


def _by_language(names: list[str], languages: Languages) -> tuple[str, str] | None:
    sides = [[name for name in names if languages.side(name) == side] for side in (0, 1)]
    return (sides[0][0], sides[1][0]) if all(sides) else None


def _sides_of_translation(name: str, value: Any, languages: Languages) -> tuple[Any, Any]:
    pairs = value.items() if isinstance(value, dict) else value or ()
    texts: dict[int, Any] = {}
    for code, text in pairs:
        side = languages.side(code) if isinstance(code, str) else None
        if side is not None:
            texts.setdefault(side, text)
    if pairs and not texts:
        codes = ", ".join(str(code) for code, _ in list(pairs)[:_SHOWN_COLUMNS])
        raise DataError(name, f"has translations in {codes}; expected {languages}")
    return _text(texts.get(0)), _text(texts.get(1))


def _text(value: Any) -> Any:
    return "" if value is None else value
