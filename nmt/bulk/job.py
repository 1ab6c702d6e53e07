"""A job: all rows of an input, translated by the processes of a pool, each row once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

from nmt.bulk.description import default_description, describe
from nmt.bulk.inputs import InputFile
from nmt.bulk.job_spec import JobSpec
from nmt.bulk.messages import ShardResult, file_row
from nmt.bulk.pool import Pool
from nmt.bulk.reading import read_shards
from nmt.bulk.worker import check_columns

Warn = Callable[[str], None]


class JobProgress(NamedTuple):
    """How far a job is."""

    rows: int = 0  # that were translated, or found not to be translatable
    skipped: int = 0  # that were finished before
    errors: int = 0  # rows that could not be translated, of both
    share: float = 0.0  # of the input, 0 to 1
    seconds: float = 0.0  # since rows are translated
    done: float = 0.0  # share of the input that was translated in these

    def after(self, result: ShardResult, total: int, seconds: float) -> Self:
        """Returns how far it is after one more result, of an input of so many bytes."""
        share = result.bytes_read / max(1, total)
        return self._replace(
            rows=self.rows + result.rows,
            skipped=self.skipped + result.skipped,
            errors=self.errors + result.errors,
            share=min(1.0, self.share + share),
            seconds=seconds,
            done=self.done + (share if result.rows else 0.0),
        )


def run_job(files: Sequence[InputFile], spec: JobSpec, pool: Pool, warn: Warn) -> Iterator[JobProgress]:
    """Translates what is not translated yet, and yields how far it is, the last time when all is done.

    Args:
        files: of the input.
        spec: what is to be done with their rows.
        pool: the processes to do it in.
        warn: called with warnings of rows that had to be mended.

    Raises:
        ConfigError: another job was begun in the folder of the output, or there is no such cluster.
        DataError, InputFileError: a file cannot be read or lacks a column.
        ModelError, DeviceError: an actor cannot load the model.
        MemoryExhaustedError: workers were killed again and again.
        StorageError: the output cannot be written.
        RunInUseError: another job is writing there.
    """
    pool.check()
    output, description = spec.output, describe(spec, files)
    with output.locked():
        finished = output.begin(description, default_description())
        if finished is not None and output.find_gap(finished["rows"]) is None:
            yield JobProgress(0, sum(finished["rows"].values()), finished["errors"], 1.0)
            return
        _check_first(files[0], spec)
        before = output.shards({file.name for file in files})
        finished_shards: dict[str, list[str]] = {file.name: [] for file in files}
        for shard in before:
            finished_shards[shard.file].append(str(shard))
        rows: dict[str, int] = {}
        progress, total = JobProgress(errors=output.count_errors(before)), sum(file.size for file in files)
        with pool.connected() as translate:
            start = time.monotonic()
            for result in translate([file_row(file, finished_shards[file.name]) for file in files], spec):
                result.raise_failure()
                for warning in result.warnings:
                    warn(warning)
                if result.file is not None:
                    rows[result.file] = result.rows_of_file
                progress = progress.after(result, total, time.monotonic() - start)
                yield progress
        output.finish(description, rows, progress.errors)


def _check_first(file: InputFile, spec: JobSpec) -> None:
    """Finds what is wrong with the columns before processes are started, as far as the first file tells."""
    for shard in read_shards(file, spec.input_format, spec.columns.used, 1):
        check_columns(file.name, shard, spec)
        return
