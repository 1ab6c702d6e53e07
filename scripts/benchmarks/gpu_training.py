"""Training steps on made-up batches, and how fast they are: the measurements of `check_gpu.py`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nmt.build import build_model
from nmt.config import Config
from nmt.corpus.batch_order import cut_evenly
from nmt.corpus.batching import Batch, pad_pairs
from nmt.model.kernels import dispatch
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.training.batches import TensorBatch
from nmt.training.deferred_loss import DeferredLosses
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.distributed.process_group import ProcessGroup
from nmt.training.gradient import Gradient
from nmt.training.job import TrainingJob
from nmt.training.optimizer import Adam, nonfinite
from nmt.training.signals import StopRequest

SPECIAL = (SpecialTokens(bos=1, eos=2, pad=0, unk=3),) * 2
SECONDS_TO_MEASURE = 8.0  # of one way to train


@dataclass(frozen=True)
class Corpus:
    """The shape of batches: pairs, and tokens of a sentence (median, and spread of the logarithm)."""

    pairs: int
    median: float
    spread: float
    vocabulary: int
    longest: int

    def batches(self, batch_tokens: int, count: int) -> list[Batch]:
        """Makes some of the batches of an epoch: random ids, sentences of like length together."""
        generator = np.random.default_rng(1)
        source = np.exp(generator.normal(np.log(self.median), self.spread, self.pairs))
        target = source * np.exp(generator.normal(0.05, 0.15, self.pairs))
        sizes = [np.clip(lengths.round().astype(np.int64), 1, self.longest) for lengths in (source, target)]
        order = np.lexsort((np.where(sizes[1] % 2, -sizes[0], sizes[0]), sizes[1]))
        cut = cut_evenly(order, sizes[1][order] + 1, batch_tokens)
        chosen = generator.permutation(len(cut))[:count]

        def sentences(numbers: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
            return [generator.integers(4, self.vocabulary, lengths[number]) for number in numbers]

        return [
            pad_pairs(sentences(cut[number], sizes[0]), sentences(cut[number], sizes[1]), SPECIAL) for number in chosen
        ]


@contextmanager
def elementwise_by(kind: str) -> Iterator[None]:
    """Lets the loops use `torch`'s operations or the `kernels`, where there are any."""
    if kind == "kernels":
        yield
        return
    with patch.object(dispatch, "triton_kernels", lambda _: None):
        yield


class Steps:
    """The trainer's steps without corpus, validation and checkpoints."""

    def __init__(self, config: Config, vocabulary: int, dtype: torch.dtype, strategy: DeviceStrategy) -> None:
        torch.manual_seed(config.seed)
        self.model = build_model(config.model, vocabulary, vocabulary).to(strategy.device).train()
        self.strategy = strategy
        job = TrainingJob(Path(), config, strategy, dtype, ProcessGroup(), StopRequest())
        self.gradient = Gradient(self.model, job)
        self.optimizer = Adam(config.training, dict(self.model.named_parameters()))
        self._learning_rate = config.training.learning_rate
        self._deferred = DeferredLosses(strategy.updates_behind)
        self.losses: list[float] = []
        self._number = 0

    def prepared(self, batch: Batch) -> TensorBatch:
        """Prepares a batch as the trainer does."""
        tensors = TensorBatch.from_batch(batch, buckets=self.strategy.buckets)
        return tensors.pinned() if self.strategy.pins_memory else tensors

    def gradients(self, batch: TensorBatch, tokens: int, seed: int) -> Tensor:
        """Computes the gradient, and returns the loss."""
        self.gradient.clear()
        torch.manual_seed(seed)
        return self.gradient.add(batch, tokens, last=True)

    def __call__(self, batch: TensorBatch, tokens: int) -> None:
        self._number += 1
        loss = self.gradients(batch, tokens, self._number)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._deferred.add(self._number, tokens, loss, norm)
        unless = nonfinite(loss, norm) if self.strategy.updates_behind else None
        self.losses += [update.loss / update.tokens for update in self._deferred.due()]
        self.optimizer.step(self._learning_rate, unless=unless)

    def finish(self) -> list[float]:
        """Returns all losses per token, once they are there."""
        self.losses += [update.loss / update.tokens for update in self._deferred.rest()]
        return self.losses


def synchronize(device: torch.device) -> None:
    """Waits until all is computed."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work: Callable[[], object], device: torch.device, repetitions: int) -> float:
    """Measures the mean time of some repetitions, one after the other."""
    synchronize(device)
    started = time.perf_counter()
    for _ in range(repetitions):
        work()
    synchronize(device)
    return (time.perf_counter() - started) / repetitions


def matrix_rate(device: torch.device, dtype: torch.dtype, size: int) -> float:
    """Measures operations per second of a square product of random numbers: the best of three means."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    torch.mm(left, right)
    return 2 * size**3 / min(seconds_of(lambda: torch.mm(left, right), device, 10) for _ in range(3))


def operations(config: Config, vocabulary: int, batches: Sequence[Batch], device: torch.device) -> float:
    """Counts the multiplications and additions of the products of these updates, padding to buckets aside."""
    steps = Steps(config, vocabulary, torch.float32, DeviceStrategy(device))
    total = 0
    with elementwise_by("torch"):
        for batch in batches:
            with FlopCounterMode(display=False) as counter:
                steps.gradients(TensorBatch.from_batch(batch), batch.target_tokens, 1)
            total += counter.get_total_flops()
    return float(total)


@dataclass(frozen=True)
class Speed:
    """The speed of training in one way."""

    way: str
    tokens_a_second: float
    milliseconds: float  # a step
    preparing_seconds: float  # until all shapes were recorded and compiled
    last_loss: float


def measure(config: Config, vocabulary: int, batches: Sequence[Batch], device: torch.device) -> Iterator[Speed]:
    """Measures training on the batches: by torch's operations or kernels, with and without CUDA graphs."""
    dtype = torch.bfloat16 if config.training.precision == "bf16" else torch.float32
    whole = DeviceStrategy.for_device(device)
    ways = [("steps launched one by one", replace(whole, cuda_graphs=0)), ("CUDA graphs", whole)]
    for name, strategy in ways if whole.cuda_graphs else ways[:1]:
        for kind in ("torch", "kernels") if device.type == "cuda" else ("torch",):
            with elementwise_by(kind), strategy.running():
                steps = Steps(config, vocabulary, dtype, strategy)
                prepared = [(steps.prepared(batch), batch.target_tokens) for batch in batches]

                def epoch(steps: Steps = steps, prepared: list[tuple[TensorBatch, int]] = prepared) -> None:
                    for batch, tokens in prepared:
                        steps(batch, tokens)

                preparing = seconds_of(epoch, device, 2)
                once = seconds_of(epoch, device, 1)
                seconds = seconds_of(epoch, device, max(1, round(SECONDS_TO_MEASURE / once)) if once < 4 else 1)
                tokens = sum(tokens for _, tokens in prepared)
                losses = steps.finish()
            yield Speed(f"{name}, {kind}", tokens / seconds, 1000 * seconds / len(batches), 2 * preparing, losses[-1])
            del steps, prepared
            if device.type == "cuda":
                torch.cuda.empty_cache()
