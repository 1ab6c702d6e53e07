"""The pool of processes that translates: actors of Ray, on this machine or a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from nmt.bulk.cluster import check_address, connected
from nmt.bulk.job_spec import JobSpec
from nmt.bulk.messages import ShardResult
from nmt.bulk.worker import ShardTranslator, split_file
from nmt.corpus.workers import available_processors
from nmt.errors import ConfigError, DeviceError
from nmt.preflight.memory import available_memory

Translate = Callable[[Sequence[Mapping[str, str]], JobSpec], Iterator[ShardResult]]
"""Translates what is not finished of files, by their rows of a dataset, and yields the results in any order."""

_SHARDS_OF_ACTOR = 2  # the one that it translates, and one that waits
_ACTORS_OF_READER = 16
_ARROW = "pyarrow"
_LEAST_BYTES = 200 << 20  # of a worker, which holds torch and a model


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

    def check(self) -> None:
        """Finds what is wrong before anything is started or written.

        Raises:
            ConfigError: no Ray listens at the address, or this machine has no memory for so many workers.
            DeviceError: this machine, which is the cluster, has no GPU.
        """
        if self.address is not None:
            check_address(self.address)
            return
        available = available_memory()
        if self.workers is not None and available is not None and self.workers * _LEAST_BYTES > available:
            what = f"is {self.workers:,}, but there is memory for no more than {available // _LEAST_BYTES:,}"
            raise ConfigError("--workers", f"{what}: each takes over {_LEAST_BYTES >> 20} MiB")
        if self.device == "cuda":
            from nmt.device import choose_device

            choose_device(self.device)

    @contextmanager
    def connected(self) -> Iterator[Translate]:
        """Connects to the cluster, or starts a local one, until the block is left; see `nmt.bulk.cluster`."""
        workers = self.workers or max(1, available_processors() // self.threads)
        with connected(self.address, workers * self.threads, workers):
            yield self._sized()._results

    def _sized(self) -> Pool:
        """Returns a pool with the device and the number of workers that the cluster has room for.

        Raises:
            ConfigError: not a single worker has room there.
            DeviceError: there is no GPU.
        """
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        processors = [int(node.get("CPU", 0)) for node in nodes]
        gpus = int(sum(node.get("GPU", 0) for node in nodes))
        device = ("cuda" if gpus else "cpu") if self.device == "auto" else self.device
        if (most := max(processors, default=0)) < self.threads:
            what = f"is {self.threads}, but no machine of the cluster has more than {most} processors"
            raise ConfigError("--threads", what)
        room = gpus if device == "cuda" else sum(of_node // self.threads for of_node in processors)
        if not room:
            raise DeviceError("--device", "is cuda, but no machine of the cluster has a GPU")
        return replace(self, device=device, workers=self.workers or room)

    def _results(self, files: Sequence[Mapping[str, str]], spec: JobSpec) -> Iterator[ShardResult]:
        """See `Translate`.

        A shard is written whole under a name that its rows decide, whichever actor translates it. So when an actor
        dies, or a machine with shards that wait, Ray does again what was lost, and the output is the same.
        """
        import ray
        from ray.data import ActorPoolStrategy, DataContext, TaskPoolStrategy

        assert self.workers is not None
        spec = replace(spec, model=replace(spec.model, device=self.device, threads=self.threads))
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.target_max_block_size = 1  # each row that a step makes is handed on at once, as a portion of its own
        readers = TaskPoolStrategy(size=min(len(files), 1 + self.workers // _ACTORS_OF_READER))
        actors = ActorPoolStrategy(size=self.workers, max_tasks_in_flight_per_actor=_SHARDS_OF_ACTOR)
        # Readers need hardly any time, and must not wait for a processor that the actors have.
        reading = {"fn_kwargs": {"spec": spec}, "compute": readers, "num_cpus": 0}
        translating = {
            "fn_constructor_kwargs": {"spec": spec},
            "compute": actors,
            "num_cpus": self.threads,
            "num_gpus": 1 if self.device == "cuda" else 0,
        }
        rows = ray.data.from_items(list(files), override_num_blocks=len(files))
        shards = rows.map_batches(split_file, batch_size=1, batch_format=_ARROW, **reading)
        results = shards.map_batches(ShardTranslator, batch_size=1, batch_format=_ARROW, **translating)
        with warnings.catch_warnings():
            # Of fewer files than workers, though each file makes many shards.
            warnings.filterwarnings("ignore", "The minimum number of concurrent actors", UserWarning)
            for row in results.iter_rows():
                yield ShardResult.from_json(row["result"])
