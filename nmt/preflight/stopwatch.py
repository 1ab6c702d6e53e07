"""A stopwatch for real updates of a model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nmt.config import Config
from nmt.corpus.store import Store
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.distributed.process_group import ProcessGroup
from nmt.training.job import TrainingJob
from nmt.training.metrics_log import MetricsWriter
from nmt.training.signals import StopRequest
from nmt.training.trainer import Trainer

# It ends after the most updates, or after the fewest as soon as enough seconds have passed.
MOST_UPDATES, FEWEST_UPDATES, ENOUGH_SECONDS = 20, 3, 5.0
_NEVER = 10**9


class Timing(NamedTuple):
    """The number of updates, their time, and their target tokens; without the first update, which warms up."""

    updates: int
    seconds: float
    target_tokens: int


class _EnoughError(Exception):
    """The stopwatch has seen enough updates."""


class _Clock(MetricsWriter):
    """Times the records of updates, and ends training when it has seen enough."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._started: float | None = None
        self.timing = Timing(0, 0.0, 0)

    def write(self, record: dict[str, Any]) -> None:
        """Times an update.

        Raises:
            _EnoughError: it was the last.
        """
        now = time.perf_counter()
        updates, _, tokens = self.timing
        if self._started is None:
            self._started = now
        else:
            self.timing = Timing(updates + 1, now - self._started, tokens + record["target_tokens"])
        seen_enough = self.timing.updates >= FEWEST_UPDATES and self.timing.seconds > ENOUGH_SECONDS
        if self.timing.updates + 1 >= self._most or seen_enough:
            raise _EnoughError

    def close(self) -> None:
        """Does nothing: there is nothing to close."""


class Stopwatch:
    """Trains a model by the loop of training, without validation and without saving."""

    def __init__(
        self, config: Config, model: Seq2Seq, tokenizers: Tokenizers, device: torch.device, dtype: torch.dtype
    ) -> None:
        """Prepares a training; the arguments are those of a `TrainingJob` and a `Trainer`."""
        every = {"log_every": 1, "validate_every": _NEVER, "save_every_minutes": float(_NEVER)}
        limits = {"max_steps": _NEVER, "max_epochs": None, "max_minutes": None, "patience": None}
        # Of a sample there are no alignments; the time that they take can hardly be measured.
        unguided = {"guided_alignment": 0.0, "alignments": None}
        training = config.training.model_copy(update=every | limits | unguided)
        # Of a sample, a low weight could leave nothing.
        once = tuple(one.model_copy(update={"weight": 1.0}) for one in config.data.train)
        data = config.data.model_copy(update={"train": once})
        self._config = config.model_copy(update={"training": training, "data": data})
        self._model = model
        self._tokenizers = tokenizers
        self._strategy = DeviceStrategy.for_device(device, cuda_graphs=False)
        self._dtype = dtype

    def run(self, folder: Path, most: int = MOST_UPDATES) -> Timing:
        """Makes at most `most` updates with the pairs of the store in `folder`.

        Raises:
            NonFiniteError: the loss diverged.
            MemoryExhaustedError: memory ran out.
        """
        store = Store.open(folder)
        group = ProcessGroup()
        job = TrainingJob(folder, self._config, self._strategy, self._dtype, group, StopRequest())
        trainer = Trainer(job, self._model, store, self._tokenizers, None)
        clock = _Clock(most)
        try:
            trainer.fit(clock)
        except _EnoughError:
            return clock.timing
        raise AssertionError("it has no other end")
