"""The training loop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nmt.checkpoint.checkpoint import CheckpointContents, Loaded, save_marked
from nmt.checkpoint.manifest import STATE
from nmt.checkpoint.training_state import TrainingState
from nmt.config import Config
from nmt.corpus.batch_order import BatchOrder
from nmt.corpus.permutation import derive_key
from nmt.corpus.prefetch import prefetched
from nmt.corpus.store import Store
from nmt.device import exhausted_memory_as
from nmt.errors import ModelError, StoppedError
from nmt.model.seq2seq import Seq2Seq
from nmt.training.batches import TensorBatch, Text, Update, updates_from
from nmt.training.deferred_loss import Outcome, Outcomes
from nmt.training.device_strategy import Execution
from nmt.training.distributed.process_group import Processes
from nmt.training.ema import WeightAverage
from nmt.training.gradient import Gradient, too_large
from nmt.training.malloc import STEPS_BETWEEN_RETURNS, return_freed_memory
from nmt.training.metrics_log import MetricsWriter
from nmt.training.optimizer import leave_out_if_infinite, make_optimizer
from nmt.training.progress import TrainingProgress, duration
from nmt.training.schedule import make_schedule
from nmt.training.signals import StopRequest
from nmt.training.snapshot import restore_snapshot, take_snapshot
from nmt.training.validation import Validator

logger = logging.getLogger(__name__)


class _Prepared(NamedTuple):
    """An update, and its parts as they go to the device."""

    update: Update
    parts: list[TensorBatch]


class Trainer:
    """Trains a model until a limit of the configuration is reached; owns everything that changes on the way."""

    def __init__(
        self,
        run: Path,
        config: Config,
        model: Seq2Seq,
        store: Store,
        text: Text,
        validator: Validator | None,
        stop: StopRequest,
        dtype: torch.dtype,
        processes: Processes,
        execution: Execution,
    ) -> None:
        """`validator` is None in processes other than the first. Those of several are in their `group`."""
        self.state = TrainingState(corpus=store.fingerprint)
        self._run = run
        self._config = config
        self._model = model
        self._store = store
        self._text = text
        self._validator = validator
        self._stop = stop
        # What all processes know of: all have to stop after the same step.
        self._agreed_stop = stop if processes.alone else StopRequest()
        self._processes = processes
        self._execution = execution
        self._gradient = Gradient(model, config.training, dtype, processes, execution)
        self._outcomes = Outcomes(execution.updates_behind)
        self._order = BatchOrder(store, config.training.batch_tokens, config.seed)
        self._schedule = make_schedule(config.training)
        self._parameters = dict(model.named_parameters())
        self._optimizer = make_optimizer(config.training, list(self._parameters.values()))
        decay = config.training.average_decay
        self._average = WeightAverage(model, decay) if decay else None
        self._saved_at = time.monotonic()
        self._started = time.monotonic()

    def resume(self, checkpoint: Loaded) -> None:
        """Goes back to where a checkpoint was saved.

        Raises:
            ModelError: its tensors or its state are not those of this training.
        """
        where = checkpoint.directory / STATE
        self.state = TrainingState.from_json(checkpoint.state, where)
        try:
            next(self._order.batches(self.state.position))
        except ValueError as error:
            raise ModelError(str(where), str(error)) from error
        restore_snapshot(checkpoint, self._parameters, self._optimizer, self._average)

    def fit(self, metrics: MetricsWriter | None, *, quiet: bool) -> str:
        """Trains on, and returns the limit that ended it. Without `metrics`, as with several processes all but the
        first are, it validates, saves and logs nothing.

        Raises:
            DismissedError: the first process has left.
            StoppedError: a signal asked to stop; the state was saved first.
            NonFiniteError: loss or gradient became NaN or infinite; nothing of it was saved.
            MemoryExhaustedError: memory ran out.
            StorageError: a checkpoint could not be saved.
        """
        config = self._config.training
        self._started = time.monotonic() - self.state.seconds
        self._saved_at = time.monotonic()
        self._model.train()
        with (
            self._execution.running(),
            TrainingProgress(quiet=quiet) as progress,
            closing(prefetched(self._order_of_updates())) as updates,
        ):
            while True:
                limit = self.state.limit_reached(config)
                due = self.state.step % config.validate_every == 0 or limit is not None
                if due and self.state.validated_step < self.state.step:
                    if metrics is not None:
                        self._validate(metrics)
                    self._share_state()
                    continue  # its outcome may end training
                if limit is not None:
                    return limit
                self._stop_if_asked()
                with exhausted_memory_as(lambda: too_large(f"at step {self.state.step + 1:,}", config)):
                    self._step(next(updates))
                if self.state.step % STEPS_BETWEEN_RETURNS == 0:
                    return_freed_memory()
                if self.state.step % config.log_every == 0:
                    self._catch_up()
                    if metrics is not None:
                        self._log(metrics, progress)
                    self.state.start_record()
                if metrics is not None and time.monotonic() - self._saved_at >= 60 * config.save_every_minutes:
                    self._save()

    def _order_of_updates(self) -> Iterator[_Prepared]:
        place, execution = self._processes.place, self._execution
        for update in updates_from(self.state.position, self._order, self._store, self._config, self._text, place):
            parts = [TensorBatch.of(part, buckets=execution.buckets) for part in update.parts]
            yield _Prepared(update, [part.pinned() for part in parts] if execution.pins_memory else parts)

    def _step(self, prepared: _Prepared) -> None:
        """One update of the weights, by all processes."""
        update, parts = prepared
        step = self.state.step + 1
        place = self._processes.place
        tokens = int(sum(tokens for (tokens,) in self._processes.gather(update.target_tokens)))
        rate = self._schedule(step, self.state.reductions)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._gradient.clear()
        losses = []
        for number, part in enumerate(parts):
            # Dropout depends on seed, step and part alone, so that a resumed training draws what it would have drawn.
            # Parts are counted over all processes: who computes them makes no difference.
            key = derive_key("dropout", self._config.seed, step, place.rank + number * place.size)
            torch.manual_seed(key % (1 << 63))
            losses.append(self._gradient.add(part, tokens, last=number + 1 == len(parts)))
        loss, seconds = self._agree(sum(losses[1:], losses[0]))
        norm = nn.utils.clip_grad_norm_(self._parameters.values(), self._config.training.clip_norm or math.inf)
        self._outcomes.add(step, tokens, loss, norm)
        if self._execution.updates_behind:
            leave_out_if_infinite(self._optimizer, loss, norm)
        self._count(self._outcomes.due())
        self._optimizer.step()
        if self._average:
            self._average.update(step)
        self.state.step = step
        self.state.position = update.following
        self.state.seconds = seconds

    def _count(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self.state.count(outcome.loss, outcome.tokens)

    def _catch_up(self) -> None:
        """Waits for the outcomes of all updates; NonFiniteError where one diverged."""
        self._count(self._outcomes.rest())

    def _agree(self, loss: Tensor) -> tuple[Tensor, float]:
        """The update's loss and the time of training, the same in all processes, and so is who asked to stop."""
        seconds = time.monotonic() - self._started
        if self._processes.alone:
            return loss, seconds
        numbers = self._processes.gather(float(loss), self._stop.signal or 0, seconds)
        losses, signals, clocks = zip(*numbers, strict=True)
        self._agreed_stop.signal = int(max(signals)) or None
        return torch.tensor(sum(losses), dtype=torch.float64), clocks[0]

    def _share_state(self) -> None:
        """What the validation of the first process has changed, in the others."""
        if not self._processes.alone:
            state = self._processes.share(self.state.as_json(), self._stop)
            self.state = TrainingState.from_json(state, self._run)

    def _log(self, metrics: MetricsWriter, progress: TrainingProgress) -> None:
        state = self.state
        record = {
            "split": "train",
            "step": state.step,
            "epoch": state.position.epoch,
            "seconds": round(state.seconds, 3),
            "loss": state.loss_since_record / state.tokens_since_record,
            "learning_rate": self._schedule(state.step, state.reductions),
            "target_tokens": state.tokens_since_record,
            "target_tokens_per_second": state.tokens_since_record / max(1e-9, state.seconds - state.recorded_seconds),
        }
        metrics.write(record)
        per_epoch = self._order.approximate_updates_per_epoch
        left = state.seconds_left(self._config.training, per_epoch)
        best = "" if state.best_score is None else f", best {self._metric_text(state.best_score)}"
        progress.show(
            state.share_done(self._config.training, per_epoch),
            # What one waits for comes first: a narrow terminal cuts the rest.
            f"{duration(left)} left, step {state.step:,}{best}, loss {record['loss']:.3f}, epoch {state.epochs_begun}, "
            f"{record['target_tokens_per_second']:,.0f} target tokens/s",
        )

    def _validate(self, metrics: MetricsWriter) -> None:
        """Scores the model, and saves it; a signal leaves the validation to the resumed training."""
        self._catch_up()
        state, config = self.state, self._config.training
        assert self._validator is not None, "only the first process validates"
        with self._average.applied() if self._average else nullcontext():
            return_freed_memory()
            try:
                result = self._validator(self._model, self._stop.check)
            except StoppedError:
                result = None
            return_freed_memory()
        if result is None:
            self._agreed_stop = self._stop  # the others leave with this process
            self._stop_if_asked()
            return
        is_best = state.take_score(result.metric(config.early_stopping_metric), config)
        state.seconds = time.monotonic() - self._started
        metrics.write(
            {
                "split": "validation",
                "step": state.step,
                "epoch": state.position.epoch,
                "seconds": round(state.seconds, 3),
                "loss": result.loss,
                "perplexity": result.perplexity,
                "bleu": result.bleu,
                "chrf": result.chrf,
            }
        )
        result.report(state.step, is_best)
        self._save(is_best=is_best)

    def _metric_text(self, score: float) -> str:
        metric = self._config.training.early_stopping_metric
        return f"perplexity {-score:.2f}" if metric == "perplexity" else f"{metric} {score:.2f}"

    def best_text(self) -> str:
        """The best validation score so far, in words."""
        if self.state.best_score is None:
            return "no validation yet"
        return f"best {self._metric_text(self.state.best_score)} at step {self.state.best_step:,}"

    def _stop_if_asked(self) -> None:
        if self._agreed_stop.signal is not None:
            if self.state.step and self._processes.is_first:  # before the first step there is nothing yet to save
                self._save()
            logger.info("stopped at step %s; the same command goes on from here", f"{self.state.step:,}")
            self._agreed_stop.check()

    def _save(self, *, is_best: bool = False) -> None:
        """Saves a checkpoint of the present state; safe at any kill."""
        self._catch_up()
        state = replace(self.state, seconds=time.monotonic() - self._started)
        weights, tensors = take_snapshot(self._parameters, self._optimizer, self._average)
        contents = CheckpointContents(
            weights=weights,
            optimizer=tensors,
            state=state.as_json(),
            config=self._config.as_yaml(),
            tokenizers=self._text.files,
            summary={
                "step": state.step,
                "epoch": state.position.epoch,
                "training_seconds": state.seconds,
                "metric": self._config.training.early_stopping_metric,
                "best_score": state.best_score,
                "best_step": state.best_step,
            },
        )
        save_marked(self._run, state.step, contents, is_best=is_best, keep=self._config.training.keep_checkpoints)
        self._saved_at = time.monotonic()
