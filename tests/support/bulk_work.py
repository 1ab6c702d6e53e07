"""The steps of a job of `nmt bulk`, one after the other in this process, without a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow

from nmt.bulk.columns import Columns
from nmt.bulk.inputs import FORMATS, find_inputs, input_format
from nmt.bulk.model import ModelSource
from nmt.bulk.output_folder import OutputFolder
from nmt.bulk.worker import ShardTranslator, Work, cut_file, file_row
from nmt.postprocessing.postprocess import Postprocessor
from nmt.translation.translator import Translator


def make_work(translator: Translator, inputs: Sequence[Path], output: Path, **changes: Any) -> Work:
    """What `nmt bulk` makes of its arguments; `changes` are fields of Work, the format `made`, and options."""
    files = find_inputs([str(path) for path in inputs])
    kind = changes.pop("kind", None) or input_format(files)
    made, options = changes.pop("made", FORMATS[kind][0]), changes.pop("options", {})
    columns: Columns = changes.pop("columns", Columns())
    fields: dict[str, Any] = {
        "model": ModelSource(translator.directories, "cpu", identity=translator.identity),
        "options": translator.options(**options, attention=columns.confidence),
        "postprocessor": Postprocessor(confidence=columns.confidence),
        "columns": columns,
        "kind": kind,
        "output": OutputFolder(str(output), made),
        "most_rows": 5,
        "is_single": len(files) == 1,
    }
    return Work(**(fields | changes))


def translate_inputs(inputs: Sequence[Path], work: Work) -> Iterator[dict[str, Any]]:
    """Does all that is not done yet; what the cluster would tell of each shard."""
    translate = ShardTranslator(work)
    for file in find_inputs([str(path) for path in inputs]):
        row = pyarrow.Table.from_pylist([file_row(file, work.output.shards())])
        for shard in cut_file(row, work):
            yield json.loads(translate(shard).to_pylist()[0]["told"])


def written(folder: Path) -> dict[str, str]:
    """The shards in a folder, by name, in their order."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: (folder / name).read_text() for name in names if not name.startswith(("_", "."))}
