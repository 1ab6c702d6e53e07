"""A job: all rows of an input, translated by a pool of actors of Ray, each row once."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from nmt.bulk.cluster import connected
from nmt.bulk.failures import restored
from nmt.bulk.inputs import InputFile
from nmt.bulk.reading import read_shards
from nmt.bulk.shards import file_of
from nmt.bulk.worker import ShardTranslator, Work, check_columns, cut_file, file_row
from nmt.corpus.workers import available_processors
from nmt.errors import ConfigError

Warn = Callable[[str], None]

_SHARDS_OF_ACTOR = 2  # the one that it translates, and one that waits
_ACTORS_OF_READER = 16
_ARROW = "pyarrow"


@dataclass(frozen=True)
class Pool:
    """The processes of a job.

    Attributes:
        address: of a cluster of Ray; None for a local one.
        workers: number of actors; None for as many as there is room for.
        threads: of each.
        device: auto, cpu or cuda.
    """

    address: str | None
    workers: int | None
    threads: int
    device: str


class JobProgress(NamedTuple):
    """How far a job is."""

    rows: int = 0  # that were translated, or found not to be translatable
    skipped: int = 0  # that were finished before
    errors: int = 0  # rows that could not be translated, of both
    share: float = 0.0  # of the input, 0 to 1
    seconds: float = 0.0  # since rows are translated
    done: float = 0.0  # share of the input that was translated in these


def run_job(
    files: Sequence[InputFile], work: Work, pool: Pool, description: Mapping[str, Any], warn: Warn
) -> Iterator[JobProgress]:
    """Translates what is not translated yet, and yields how far it is, the last time when all is done.

    Args:
        files: of the input.
        work: what is to be done with their rows.
        pool: the processes to do it in.
        description: of the job, by which it is known again, as values of JSON.
        warn: called with warnings of rows that had to be mended.

    Raises:
        ConfigError: another job was begun in the folder of the output, or there is no such cluster.
        DataError, InputFileError: a file cannot be read or lacks a column.
        ModelError, DeviceError: an actor cannot load the model.
        StorageError: the output cannot be written.
        RunInUseError: another job is writing there.
    """
    output = work.output
    with output.locked():
        finished, before = output.begin(description), output.shards()
        if finished is not None and finished["shards"] == len(before):
            yield JobProgress(0, finished["rows"], finished["errors"], 1.0)
            return
        _check_first(files[0], work)
        progress = begun = JobProgress(errors=output.count_errors(set(before)))
        for progress in _run(files, work, pool, before, begun, warn):
            yield progress
        rows = progress.rows + progress.skipped
        output.finish(description, {"shards": len(output.shards()), "rows": rows, "errors": progress.errors})


def _check_first(file: InputFile, work: Work) -> None:
    """Finds what is wrong with the columns before processes are started, as far as the first file tells."""
    for shard in read_shards(file, work.kind, work.asked_columns(), 1):
        check_columns(file.name, shard, work)
        return


def _run(
    files: Sequence[InputFile], work: Work, pool: Pool, before: Sequence[str], progress: JobProgress, warn: Warn
) -> Iterator[JobProgress]:
    of_files: dict[str, list[str]] = {file.name: [] for file in files}
    for name in before:
        of_files.get(file_of(name), []).append(name)
    rows = [file_row(file, of_files[file.name]) for file in files]
    total = max(1, sum(file.size for file in files))
    local = pool.workers or max(1, available_processors() // pool.threads)
    with connected(pool.address, local * pool.threads, local):
        start = time.monotonic()
        for told in _results(rows, work, _sized(pool)):
            if "failure" in told:
                raise restored(told["failure"])
            for warning in told.get("warnings", ()):
                warn(warning)
            translated, share = told.get("rows", 0), told["bytes"] / total
            progress = JobProgress(
                progress.rows + translated,
                progress.skipped + told["skipped"],
                progress.errors + told.get("errors", 0),
                min(1.0, progress.share + share),
                time.monotonic() - start,
                progress.done + (share if translated else 0.0),
            )
            yield progress


def _sized(pool: Pool) -> Pool:
    """Returns a pool with the device and the number of workers that the cluster has room for.

    Raises ConfigError if not a single worker can run there.
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    processors = [int(node.get("CPU", 0)) for node in nodes]
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    device = ("cuda" if gpus else "cpu") if pool.device == "auto" else pool.device
    if max(processors, default=0) < pool.threads:
        what = f"is {pool.threads}, but no machine of the cluster has more than {max(processors, default=0)} processors"
        raise ConfigError("--threads", what)
    room = gpus if device == "cuda" else sum(of_node // pool.threads for of_node in processors)
    if not room:
        raise ConfigError("--device", "is cuda, but no machine of the cluster has a GPU")
    return replace(pool, device=device, workers=pool.workers or room)


def _results(rows: Sequence[Mapping[str, str]], work: Work, pool: Pool) -> Iterator[dict[str, Any]]:
    """Yields what became of each shard, in any order.

    A shard is written whole under a name that its rows decide, whichever actor translates it. So when an actor dies, or
    a machine with shards that wait, Ray does again what was lost, and the output is the same.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext, TaskPoolStrategy

    assert pool.workers is not None
    work = replace(work, model=replace(work.model, device=pool.device, threads=pool.threads))
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # each row that a step makes is handed on at once, as a portion of its own
    readers = TaskPoolStrategy(size=min(len(rows), 1 + pool.workers // _ACTORS_OF_READER))
    actors = ActorPoolStrategy(size=pool.workers, max_tasks_in_flight_per_actor=_SHARDS_OF_ACTOR)
    dataset = (
        ray.data.from_items(list(rows), override_num_blocks=len(rows))
        # Readers need hardly any time, and must not wait for a processor that the actors have.
        .map_batches(cut_file, fn_kwargs={"work": work}, batch_size=1, batch_format=_ARROW, compute=readers, num_cpus=0)
        .map_batches(
            ShardTranslator,
            fn_constructor_kwargs={"work": work},
            batch_size=1,
            batch_format=_ARROW,
            compute=actors,
            num_cpus=pool.threads,
            num_gpus=1 if pool.device == "cuda" else 0,
        )
    )
    with warnings.catch_warnings():
        # Of fewer files than workers, though each file makes many shards.
        warnings.filterwarnings("ignore", "The minimum number of concurrent actors", UserWarning)
        for row in dataset.iter_rows():
            yield json.loads(row["told"])
