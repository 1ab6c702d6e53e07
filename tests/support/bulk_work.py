"""The steps of a job of `nmt bulk`, one after the other in this process, without a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from nmt.bulk.columns import Columns
from nmt.bulk.inputs import FORMATS, find_inputs, input_format
from nmt.bulk.job_spec import JobSpec
from nmt.bulk.messages import ShardResult, file_row
from nmt.bulk.model import ModelSource
from nmt.bulk.output_folder import OutputFolder
from nmt.bulk.worker import ShardTranslator, split_file
from nmt.postprocessing.postprocess import Postprocessor
from nmt.translation.translator import Translator


def make_spec(translator: Translator, inputs: Sequence[Path], output: Path, **changes: Any) -> JobSpec:
    """What `nmt bulk` makes of its arguments; `changes` are fields of JobSpec, the format `made`, and options."""
    files = find_inputs([str(path) for path in inputs])
    format_of_input = changes.pop("input_format", None) or input_format(files)
    made, options = changes.pop("made", FORMATS[format_of_input][0]), changes.pop("options", {})
    columns: Columns = changes.pop("columns", Columns())
    fields: dict[str, Any] = {
        "model": ModelSource(translator.directories, "cpu", identity=translator.identity),
        "options": translator.options(**options, attention=columns.confidence),
        "postprocessor": Postprocessor(confidence=columns.confidence),
        "columns": columns,
        "input_format": format_of_input,
        "output": OutputFolder(str(output), made),
        "max_rows": 5,
        "is_single": len(files) == 1,
    }
    return JobSpec(**(fields | changes))


def run_steps(rows: Sequence[Mapping[str, str]], spec: JobSpec) -> Iterator[ShardResult]:
    """What a pool does, as `nmt.bulk.pool.Translate` says."""
    translate = ShardTranslator(spec)
    for row in rows:
        for shard in split_file(pyarrow.Table.from_pylist([row]), spec):
            yield ShardResult.from_batch(translate(shard))


def translate_inputs(inputs: Sequence[Path], spec: JobSpec) -> list[ShardResult]:
    """Does all that is not done yet; what became of each shard."""
    files = find_inputs([str(path) for path in inputs])
    finished = [str(shard) for shard in spec.output.shards({file.name for file in files})]
    return list(run_steps([file_row(file, finished) for file in files], spec))


def written(folder: Path) -> dict[str, str]:
    """The shards in a folder, by name, in their order."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {
        name: (folder / name).read_bytes().decode() for name in names if not name.startswith(("_errors/", "_job", "."))
    }


def written_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of Parquet or JSON lines in a folder, in their order."""
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*.parquet")):
        rows += parquet.read_table(path).to_pylist()
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jsonl"))
    lines = "".join((folder / name).read_bytes().decode() for name in names if not name.startswith("_errors/"))
    return rows + [json.loads(line) for line in lines.split("\n")[:-1]]


def error_lines(folder: Path) -> list[dict[str, Any]]:
    """What is told of rows that could not be translated."""
    paths = sorted((folder / "_errors").rglob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]
