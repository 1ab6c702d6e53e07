"""The training loop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import replace

import torch
from torch import Tensor, nn

from nmt.checkpoint.checkpoint import INITIALIZED_FROM, Checkpoint, CheckpointContents, save_with_pointers
from nmt.checkpoint.layout import STATE
from nmt.checkpoint.tokenizer_folder import tokenizer_files
from nmt.checkpoint.training_state import TrainingState
from nmt.corpus.batch_order import BatchOrder
from nmt.corpus.mixture import Mixture
from nmt.corpus.permutation import derive_key
from nmt.corpus.prefetch import prefetched
from nmt.corpus.store import Store
from nmt.device import exhausted_memory_as
from nmt.errors import ModelError, StoppedError
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.batches import TensorBatch, Update, iterate_updates
from nmt.training.deferred_loss import DeferredLosses, UpdateLoss
from nmt.training.ema import ExponentialMovingAverage
from nmt.training.gradient import Gradient, too_large
from nmt.training.job import TrainingJob
from nmt.training.malloc import STEPS_BETWEEN_RETURNS, return_freed_memory
from nmt.training.metrics_log import MetricsWriter, training_record, validation_record
from nmt.training.optimizer import Adam, nonfinite
from nmt.training.overfitting import OverfittingWatch
from nmt.training.progress import TrainingProgress, duration
from nmt.training.schedule import make_schedule
from nmt.training.signals import StopRequest
from nmt.training.snapshot import learning, restore_snapshot, take_snapshot
from nmt.training.validation import Validator

logger = logging.getLogger(__name__)


class Trainer:
    """Trains a model until a limit of the configuration is reached; owns everything that changes on the way."""

    def __init__(
        self,
        job: TrainingJob,
        model: Seq2Seq,
        store: Store,
        tokenizers: Tokenizers,
        validator: Validator | None,
        initialized_from: Mapping[str, object] | None = None,
        alignments: Store | None = None,
    ) -> None:
        """Takes a job whose processes have all joined its `group`; `validator` is None in those that do not write.

        Checkpoints tell of the model that the training went on from, `initialized_from`. `alignments` of the store's
        pairs guide attention, where the configuration asks for that.
        """
        self.state = TrainingState(
            corpus=store.fingerprint, alignments=alignments.fingerprint if alignments is not None else ""
        )
        if validator is not None:
            self._take_validation(validator)
        self._job = job
        self._config = job.config.training
        self._model = model
        self._store = store
        self._tokenizers = tokenizers
        self._alignments = alignments
        self._validator = validator
        self._origin = {} if initialized_from is None else {INITIALIZED_FROM: initialized_from}
        # The stop request that all processes know of: all have to stop after the same step.
        self._agreed_stop = job.stop if job.group.alone else StopRequest()
        self._agreed_save = False  # the first process is about to save, and all know it
        self._gradient = Gradient(model, job)
        self._losses = DeferredLosses(job.strategy.updates_behind)
        mixture = Mixture.from_config(job.config.data.train, store.report.by_file, tokenizers.source)
        self._order = BatchOrder(store, self._config.batch_tokens, job.config.seed, mixture=mixture)
        self._schedule = make_schedule(self._config)
        self._parameters = dict(model.named_parameters())
        self._optimizer = Adam(self._config, learning(self._parameters))
        decay = self._config.average_decay
        self._ema = ExponentialMovingAverage(model, decay) if decay else None
        self._overfitting = OverfittingWatch()
        self._saved_at = time.monotonic()
        self._started = time.monotonic()
        self._seconds_of_validation = 0.0  # of the last one

    def resume(self, checkpoint: Checkpoint) -> None:
        """Restores the training as it was when a checkpoint was saved; raises ModelError if it is of another."""
        self.state = checkpoint.state
        try:
            next(self._order.batches(self.state.position))
        except ValueError as error:
            raise ModelError(str(checkpoint.directory / STATE), str(error)) from error
        restore_snapshot(checkpoint, self._parameters, self._optimizer, self._ema)
        if self._validator is not None:
            self._take_validation(self._validator)

    def _take_validation(self, validator: Validator) -> None:
        """Keeps with the best score what it is a score of."""
        self.state.validation = validator.fingerprint
        self.state.metric, self.state.validation_tokenize = validator.scoring.metric, validator.scoring.tokenize

    def fit(self, metrics: MetricsWriter | None) -> str:
        """Trains on, and returns the limit that ended it.

        Without `metrics`, as in all processes but the first, it validates, saves and logs nothing.

        Raises:
            DismissedError: the first process has left.
            StoppedError: a signal asked to stop; the state was saved first.
            NonFiniteError: loss or gradient became NaN or infinite; nothing of it was saved.
            MemoryExhaustedError: memory ran out.
            StorageError: a checkpoint could not be saved.
        """
        self._started = time.monotonic() - self.state.seconds
        self._saved_at = time.monotonic()
        self._model.train()
        with (
            self._job.strategy.running(),
            closing(TrainingProgress(quiet=self._job.quiet)) as progress,
            closing(prefetched(self._prepared_updates())) as prepared,
        ):
            while True:
                if self._validation_is_due():
                    self._validate_and_share(metrics)  # its score may end the training
                if (limit := self.state.limit_reached(self._config)) is not None:
                    return limit
                self._stop_if_asked()
                with exhausted_memory_as(lambda: too_large(f"at step {self.state.step + 1:,}", self._config)):
                    self._step(*next(prepared))
                self._log_if_due(metrics, progress)
                self._save_if_due(metrics)

    def _prepared_updates(self) -> Iterator[tuple[Update, list[TensorBatch]]]:
        """Yields the updates to come, with their parts as they go to the device; in a thread beside the training."""
        job, strategy = self._job, self._job.strategy
        source = self.state.position, self._order, self._store, job.config, self._tokenizers
        for update in iterate_updates(*source, job.group.process, self._alignments):
            parts = [TensorBatch.from_batch(part, buckets=strategy.buckets) for part in update.parts]
            yield update, ([part.pinned() for part in parts] if strategy.pins_memory else parts)

    def _step(self, update: Update, parts: list[TensorBatch]) -> None:
        """Makes one update of the weights, in all processes.

        NaN and infinities never reach the weights: where `updates_behind` is 0, the loss is checked before the
        optimizer steps. On one GPU it is not computed by then, so the optimizer, which waits for it on the device,
        changes nothing if it is not finite, and the check follows an update later. And they never reach a checkpoint:
        all losses are checked before one is saved (`_check_losses`).
        """
        step = self.state.step + 1
        tokens = int(sum(tokens for (tokens,) in self._job.group.gather(update.target_tokens)))
        terms, seconds = self._agree(self._add_gradients(parts, step, tokens))
        norm = nn.utils.clip_grad_norm_(self._parameters.values(), self._config.clip_norm or math.inf)
        self._losses.add(step, tokens, terms, norm)
        unless = nonfinite(terms, norm) if self._job.strategy.updates_behind else None
        self._count(self._losses.due())  # raises NonFiniteError
        state = replace(self.state, step=step, position=update.following, seconds=seconds)
        self._optimizer.step(self._learning_rate(state), unless=unless)
        if self._ema:
            self._ema.update(step)
        self.state = state
        if step % STEPS_BETWEEN_RETURNS == 0:
            return_freed_memory()

    def _learning_rate(self, state: TrainingState) -> float:
        """Returns the learning rate of the last update of a state, a function of the state and the limits alone."""
        length = state.expected_steps(self._config, self._order.epochs_done(state.position))
        return self._schedule(state.step, length, state.reductions)

    def _add_gradients(self, parts: list[TensorBatch], step: int, tokens: int) -> Tensor:
        """Leaves the gradient of an update in the parameters; returns the `LossTerms` (3,) of this process's parts."""
        self._gradient.clear()
        process = self._job.group.process
        losses = []
        for number, part in enumerate(parts):
            # Dropout depends on seed, step and part alone, so that a resumed training draws what it would have drawn.
            # Parts are counted over all processes: it makes no difference which of them computes a part.
            key = derive_key("dropout", self._job.config.seed, step, process.rank + number * process.world_size)
            torch.manual_seed(key % (1 << 63))
            losses.append(self._gradient.add(part, tokens, last=number + 1 == len(parts)))
        return sum(losses[1:], losses[0])

    def _count(self, losses: Iterable[UpdateLoss]) -> None:
        for update in losses:
            self.state.count(update.tokens, *update.terms)

    def _check_losses(self) -> None:
        """Waits for the losses of all updates; raises NonFiniteError if one diverged."""
        self._count(self._losses.rest())

    def _agree(self, terms: Tensor) -> tuple[Tensor, float]:
        """Returns the `LossTerms` and the time of training, on which all processes agree.

        They agree on a request to stop, too, and on whether the first process saves after this update.
        """
        seconds = time.monotonic() - self._started
        save = time.monotonic() - self._saved_at >= 60 * self._config.save_every_minutes
        group = self._job.group
        if group.alone:
            self._agreed_save = save
            return terms, seconds
        numbers = group.gather(*terms.tolist(), self._job.stop.signal or 0, save, seconds)
        *summed, signals, saves, clocks = zip(*numbers, strict=True)
        self._agreed_save = bool(saves[0])
        self._agreed_stop.signal = int(max(signals)) or None
        return torch.tensor(list(map(sum, summed)), dtype=torch.float64), clocks[0]

    def _log_if_due(self, metrics: MetricsWriter | None, progress: TrainingProgress) -> None:
        if self.state.step % self._config.log_every:
            return
        self._check_losses()
        if metrics is not None:
            state = self.state
            record = training_record(state, self._learning_rate(state), self._config)
            self._job.check_owned()
            metrics.write(record)
            epochs_done = self._order.epochs_done(state.position)
            left = duration(state.seconds_left(self._config, epochs_done))
            best = "" if state.best_score is None else f", best {self._metric_text(state.best_score)}"
            progress.show(
                state.share_done(self._config, epochs_done),
                # The time left comes first: a narrow terminal cuts the rest.
                f"{left} left, step {state.step:,}{best}, loss {record['loss']:.3f}, epoch {state.epochs_begun}, "
                f"{record['target_tokens_per_second']:,.0f} target tokens/s",
            )
        self.state.start_record()

    def _validation_is_due(self) -> bool:
        state = self.state
        is_due = state.step % self._config.validate_every == 0 or state.limit_reached(self._config) is not None
        return is_due and state.validated_step < state.step

    def _validate_and_share(self, metrics: MetricsWriter | None) -> None:
        """Validates in the first process, and shares the changed state with the others."""
        if metrics is not None:
            self._validate(metrics)
        if not self._job.group.alone:
            state = self._job.group.share(self.state.as_json(), self._job.stop)
            self.state = TrainingState.from_json(state, self._job.run)

    def _validate(self, metrics: MetricsWriter) -> None:
        """Scores the model, and saves it; a signal leaves the validation to the resumed training."""
        self._check_losses()
        state, began = self.state, time.monotonic()
        assert self._validator is not None, "only the first process validates"
        with self._ema.applied() if self._ema else nullcontext():
            return_freed_memory()
            try:
                result = self._validator(self._model, self._job.stop.check)
            except StoppedError:
                result = None
            return_freed_memory()
        if result is None:
            self._agreed_stop = self._job.stop  # the others leave with this process
            self._stop_if_asked()
            return
        is_best = state.take_score(result.metric(state.metric), result.perplexity, self._config)
        ended = time.monotonic()
        state.seconds, self._seconds_of_validation = ended - self._started, ended - began
        self._job.check_owned()
        metrics.write(validation_record(state, result))
        result.report(state.step, is_best)
        self._overfitting.look(metrics.records(), state.validations_without_gain)
        self._save(is_best=is_best)

    def _metric_text(self, score: float) -> str:
        metric = self.state.metric
        return f"perplexity {-score:.2f}" if metric == "perplexity" else f"{metric} {score:.2f}"

    def time_text(self) -> str:
        """Returns how long the training took, in words; its limit says nothing of a validation that is on its way."""
        last = duration(self._seconds_of_validation)
        of_validation = "" if last == "0s" else f", of which the last validation took {last}"
        return duration(self.state.seconds) + of_validation

    def best_text(self) -> str:
        """Returns the best validation score so far, in words."""
        if self.state.best_score is None:
            return "no validation yet"
        return f"best {self._metric_text(self.state.best_score)} at step {self.state.best_step:,}"

    def _stop_if_asked(self) -> None:
        if self._agreed_stop.signal is not None:
            if self.state.step and self._job.writes:  # before the first step there is nothing yet to save
                self._save()
            # The error tells it, once the bar is gone, which a message here would draw anew.
            self._agreed_stop.check(f" and stopped at step {self.state.step:,}; the same command goes on from here")

    def _save_if_due(self, metrics: MetricsWriter | None) -> None:
        if self._agreed_save and self._agreed_stop.signal is None:  # else it is saved as it stops
            if metrics is not None:
                self._save()
            # The others wait here, for as long as it takes, and not in the next update, where time is short.
            self._job.group.share(True, self._job.stop)

    def _save(self, *, is_best: bool = False) -> None:
        """Saves a checkpoint of the present state; safe at any kill."""
        self._check_losses()
        state = replace(self.state, seconds=time.monotonic() - self._started)
        weights, tensors = take_snapshot(self._parameters, self._optimizer, self._ema)
        contents = CheckpointContents(
            weights=weights,
            optimizer=tensors,
            state=state.as_json(),
            config=self._job.config.as_yaml(),
            tokenizers=tokenizer_files(self._tokenizers),
            summary={
                "step": state.step,
                "epoch": state.position.epoch,
                "training_seconds": state.seconds,
                "training_pairs": len(self._store),
                "metric": state.metric,
                "validation_tokenize": state.validation_tokenize,
                "best_score": state.best_score,
                "best_step": state.best_step,
                **self._origin,
            },
        )
        keep, check = self._config.keep_checkpoints, self._job.check_owned
        save_with_pointers(self._job.run, state.step, contents, is_best=is_best, keep=keep, check=check)
        self._saved_at = time.monotonic()
