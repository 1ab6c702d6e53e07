"""The training loop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import torch
from torch import nn

from nmt.checkpoint import CheckpointContents, Loaded, save_checkpoint
from nmt.config import Config
from nmt.corpus.batching import Batch
from nmt.corpus.order import BatchOrder
from nmt.corpus.permutation import derive_key
from nmt.corpus.prefetch import prefetched
from nmt.corpus.store import Store
from nmt.device import is_out_of_memory, products_in
from nmt.errors import MemoryExhaustedError, NonFiniteError, StoppedError
from nmt.manifest import STATE
from nmt.model.seq2seq import Seq2Seq
from nmt.run_directory import mark, prune
from nmt.training.average import WeightAverage
from nmt.training.loss import cross_entropy
from nmt.training.metrics import MetricsWriter
from nmt.training.progress import TrainingProgress, duration
from nmt.training.schedule import make_schedule
from nmt.training.snapshot import restore_snapshot, take_snapshot
from nmt.training.state import TrainingState
from nmt.training.stopping import StopRequest
from nmt.training.updates import TensorBatch, Text, Update, updates_from
from nmt.training.validation import ValidationResult, Validator

logger = logging.getLogger(__name__)


class Trainer:
    """Trains a model until a limit of the configuration is reached; owns everything that changes on the way."""

    def __init__(
        self,
        run: Path,
        config: Config,
        model: Seq2Seq,
        store: Store,
        text: Text,
        validator: Validator,
        stop: StopRequest,
        dtype: torch.dtype,
    ) -> None:
        self.state = TrainingState(corpus=store.fingerprint)
        self._run = run
        self._config = config
        self._model = model
        self._store = store
        self._text = text
        self._validator = validator
        self._stop = stop
        self._dtype = dtype
        self._device = model.output_weight.device
        self._order = BatchOrder(store, config.training.batch_tokens, config.seed)
        self._schedule = make_schedule(config.training)
        self._parameters = dict(model.named_parameters())
        self._optimizer = _make_optimizer(config, list(self._parameters.values()))
        decay = config.training.average_decay
        self._average = WeightAverage(model, decay) if decay else None
        self._saved_at = time.monotonic()
        self._started = time.monotonic()

    def resume(self, checkpoint: Loaded) -> None:
        """Goes back to where a checkpoint was saved.

        Raises:
            ModelError: its tensors or its state are not those of this training.
        """
        self.state = TrainingState.from_json(checkpoint.state, checkpoint.directory / STATE)
        restore_snapshot(checkpoint, self._parameters, self._optimizer, self._average)

    def fit(self, metrics: MetricsWriter, *, quiet: bool) -> str:
        """Trains on, and returns the limit that ended it.

        Raises:
            StoppedError: a signal asked to stop; the state was saved first.
            NonFiniteError: loss or gradient became NaN or infinite; nothing of it was saved.
            MemoryExhaustedError: memory ran out.
            StorageError: a checkpoint could not be saved.
        """
        config = self._config.training
        self._started = time.monotonic() - self.state.seconds
        self._saved_at = time.monotonic()
        self._model.train()
        with TrainingProgress(quiet=quiet) as progress, closing(prefetched(self._order_of_updates())) as updates:
            while True:
                limit = self.state.limit_reached(config)
                due = self.state.step % config.validate_every == 0 or limit is not None
                if due and self.state.validated_step < self.state.step:
                    self._validate(metrics)
                    continue  # its outcome may end training
                if limit is not None:
                    return limit
                self._stop_if_asked()
                update = next(updates)
                self.state.count(self._step(update), update.target_tokens)
                if self.state.step % config.log_every == 0:
                    self._log(metrics, progress)
                    self.state.start_record()
                if time.monotonic() - self._saved_at >= 60 * config.save_every_minutes:
                    self._save()

    def _order_of_updates(self) -> Iterator[Update]:
        return updates_from(self.state.position, self._order, self._store, self._config, self._text)

    def _step(self, update: Update) -> float:
        """One update of the weights; returns the loss summed over its target tokens."""
        step = self.state.step + 1
        tokens = update.target_tokens
        rate = self._schedule(step, self.state.reductions)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        for number, part in enumerate(update.parts):
            # Dropout depends on seed, step and part alone, so that a resumed training draws what it would have drawn.
            torch.manual_seed(derive_key("dropout", self._config.seed, step, number) % (1 << 63))
            loss += self._backward(part, tokens)
        norm = nn.utils.clip_grad_norm_(self._parameters.values(), self._config.training.clip_norm or math.inf)
        if not (math.isfinite(loss) and bool(norm.isfinite())):
            raise NonFiniteError(
                f"step {step}",
                f"the loss is {loss / tokens:.4g} and the gradient's norm {float(norm):.4g}; nothing of this step was "
                "kept. A lower training.learning_rate or a smaller training.clip_norm may help",
            )
        self._optimizer.step()
        if self._average:
            self._average.update(step)
        self.state.step = step
        self.state.position = update.following
        self.state.seconds = time.monotonic() - self._started
        return loss

    def _backward(self, part: Batch, tokens: int) -> float:
        """Adds the gradient of a part's share in the loss per token; returns the part's summed loss."""
        batch = TensorBatch.of(part, self._device)
        try:
            with products_in(self._dtype, self._device):
                readouts = self._model(batch.source, batch.source_lengths, batch.target_input).readouts  # (T, B, R)
                rows, targets = batch.to_predict(readouts.to(self._dtype))
                loss = cross_entropy(rows, self._model.output_weight, targets, self._config.training.label_smoothing)
            (loss / tokens).backward()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            sentences, source = part.source.shape
            shape = f"{sentences} sentences of up to {source} source and {part.target_input.shape[1]} target tokens"
            raise MemoryExhaustedError(
                "training.batch_tokens",
                f"out of memory in a batch of {shape}; "
                f"lower it from {self._config.training.batch_tokens}, or raise training.accumulation",
            ) from error
        return float(loss.detach())

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
        state, config = self.state, self._config.training
        with self._average.applied() if self._average else nullcontext():
            try:
                result = self._validator(self._model, self._stop.check)
            except StoppedError:
                result = None
        if result is None:
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
        self._report(result, is_best)
        self._save(is_best=is_best)

    def _report(self, result: ValidationResult, is_best: bool) -> None:
        logger.info(
            "validation at step %s: loss %.3f, perplexity %.2f, BLEU %.2f, chrF %.2f%s",
            f"{self.state.step:,}",
            result.loss,
            result.perplexity,
            result.bleu,
            result.chrf,
            " (best so far)" if is_best else "",
        )
        for source, reference, translation in result.samples:
            logger.info("  source      %s\n  reference   %s\n  translation %s", source, reference, translation)

    def _metric_text(self, score: float) -> str:
        metric = self._config.training.early_stopping_metric
        return f"perplexity {-score:.2f}" if metric == "perplexity" else f"{metric} {score:.2f}"

    def best_text(self) -> str:
        """The best validation score so far, in words."""
        if self.state.best_score is None:
            return "no validation yet"
        return f"best {self._metric_text(self.state.best_score)} at step {self.state.best_step:,}"

    def _stop_if_asked(self) -> None:
        if self._stop.signal is not None:
            if self.state.step:  # before the first step there is nothing yet to save
                self._save()
            logger.info("stopped at step %s; the same command goes on from here", f"{self.state.step:,}")
            self._stop.check()

    def _save(self, *, is_best: bool = False) -> None:
        """Saves a checkpoint, then says which is last and best, then removes old ones; safe at any kill."""
        state = self.state
        state.seconds = time.monotonic() - self._started
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
        checkpoint = save_checkpoint(self._run, state.step, contents)
        if is_best:
            mark(self._run, "best", checkpoint.name)
        mark(self._run, "last", checkpoint.name)
        prune(self._run, self._config.training.keep_checkpoints)
        self._saved_at = time.monotonic()


def _make_optimizer(config: Config, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    training = config.training
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[training.optimizer](
        parameters,
        lr=training.learning_rate,
        betas=training.adam_betas,
        eps=training.adam_epsilon,
        weight_decay=training.weight_decay,
        fused=True,
    )
