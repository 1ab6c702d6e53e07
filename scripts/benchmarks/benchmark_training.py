"""The training loops that `benchmark.py` compares, each in a process of its own.

A setting of the allocator that `nmt train` makes holds for a whole process, and so does the peak of memory. The loops
take turns: while one works, the others wait.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
from torch import Tensor

from nmt.build import build_model
from nmt.config import Config
from nmt.corpus.batching import Batch
from nmt.device import products_in
from nmt.training.batches import TensorBatch
from nmt.training.loss import cross_entropy
from nmt.training.malloc import keep_freed_memory
from plain_model import PlainSeq2Seq

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Loop:
    """A way to compute an update. Its `kind` names the code.

    plain: PyTorch's own parts (`plain_model`); steps: the step that defines our model, under autograd; fast: what
    `nmt train` runs.
    """

    kind: str
    dtype: torch.dtype

    @property
    def name(self) -> str:
        kind = {"plain": "plain PyTorch", "steps": "our step under autograd", "fast": "fast loop"}[self.kind]
        return f"{kind}, {'bf16' if self.dtype == torch.bfloat16 else 'fp32'}"


REFERENCE = Loop("plain", torch.float32)
LOOPS = (
    REFERENCE,
    Loop("steps", torch.float32),
    Loop("fast", torch.float32),
    Loop("plain", torch.bfloat16),
    Loop("fast", torch.bfloat16),
)


@dataclass(frozen=True)
class Measured:
    """A loop's time for all batches, the median of the repetitions, and its process's peak of memory."""

    seconds: float
    peak_mib: float


class _Step:
    """Makes the update of a model of the configuration's sizes, without what `nmt train` does around it."""

    def __init__(self, loop: Loop, config: Config, vocabulary: int) -> None:
        torch.manual_seed(config.seed)
        self._loop = loop
        self._smoothing = config.training.label_smoothing
        self._model, self._loss = (
            self._plain(config, vocabulary) if loop.kind == "plain" else self._ours(config, vocabulary)
        )
        self._model.train()
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=1e-4, fused=loop.kind != "plain")

    def _plain(self, config: Config, vocabulary: int) -> tuple[torch.nn.Module, Callable[[TensorBatch], Tensor]]:
        model = PlainSeq2Seq(config, vocabulary)
        return model, lambda batch: model.loss(batch, self._smoothing)

    def _ours(self, config: Config, vocabulary: int) -> tuple[torch.nn.Module, Callable[[TensorBatch], Tensor]]:
        model = build_model(config.model, vocabulary, vocabulary)
        by_steps = self._loop.kind == "steps"

        def loss(batch: TensorBatch) -> Tensor:
            forced = model(batch.source, batch.source_lengths, batch.target_input, by_steps=by_steps)
            rows, targets = batch.to_predict(forced.readouts.to(self._loop.dtype))
            if by_steps:
                logits = torch.nn.functional.linear(rows, model.output_weight)
                return torch.nn.functional.cross_entropy(logits, targets, label_smoothing=self._smoothing)
            return cross_entropy(rows, model.output_weight, targets, self._smoothing) / len(targets)

        return model, loss

    def __call__(self, batch: TensorBatch) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        with products_in(self._loop.dtype, CPU):
            loss = self._loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()


def _work(
    connection: Connection, loop: Loop, config: Config, vocabulary: int, batches: Sequence[Batch], threads: int
) -> None:
    """Runs in the loop's process: computes all batches each time it is asked; answers with seconds and peak MiB."""
    torch.set_num_threads(threads)
    if loop.kind != "plain":
        keep_freed_memory()
    step = _Step(loop, config, vocabulary)
    while connection.recv():
        started = time.perf_counter()
        for batch in batches:
            step(TensorBatch.from_batch(batch))
        seconds = time.perf_counter() - started
        connection.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def measure_loops(config: Config, vocabulary: int, batches: Sequence[Batch], repetitions: int) -> dict[Loop, Measured]:
    """Measures each loop's time for all batches, after a round that does not count."""
    context = multiprocessing.get_context("spawn")
    seconds: dict[Loop, list[float]] = {loop: [] for loop in LOOPS}
    peaks: dict[Loop, float] = {}
    with ExitStack() as stack:
        ends: dict[Loop, Connection] = {}
        for loop in LOOPS:
            ends[loop], theirs = context.Pipe()
            given = (theirs, loop, config, vocabulary, batches, torch.get_num_threads())
            process = context.Process(target=_work, args=given, daemon=True)
            process.start()
            theirs.close()
            stack.callback(process.join)
            stack.callback(ends[loop].send, False)
        for repetition in range(repetitions + 1):
            for loop, end in ends.items():
                end.send(True)
                taken, peaks[loop] = end.recv()
                if repetition:
                    seconds[loop].append(taken)
    return {loop: Measured(statistics.median(seconds[loop]), peaks[loop]) for loop in LOOPS}
