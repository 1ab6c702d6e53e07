"""What is to be done in a job, as each of its processes is told it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nmt.bulk.columns import Columns
from nmt.bulk.model import ModelSource
from nmt.bulk.output_folder import OutputFolder

if TYPE_CHECKING:
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions


@dataclass(frozen=True)
class JobSpec:
    """What is to be done with the rows of a job.

    Attributes:
        model: that translates them.
        options: of the search.
        postprocessor: of translations.
        columns: of the tables.
        input_format: parquet, jsonl, csv, tsv or text.
        output: where the shards go.
        max_rows: maximum number of rows of a shard.
        is_single: whether the input is one file, whose rows then draw samples as the lines of `nmt translate` do.
    """

    model: ModelSource
    options: TranslateOptions
    postprocessor: Postprocessor
    columns: Columns
    input_format: str
    output: OutputFolder
    max_rows: int
    is_single: bool
