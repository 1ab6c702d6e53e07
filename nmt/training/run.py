"""The whole pipeline of a run: tokenizer, corpus, model, training."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from nmt.build import build_model
from nmt.checkpoint import Loaded, check_tensors, load_checkpoint
from nmt.config import CHANGEABLE, Config, changed_keys, from_yaml
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.corpus.store import Store
from nmt.device import choose_device, choose_precision
from nmt.errors import ConfigError, DataError, Problem
from nmt.loading import read_tokenizers
from nmt.manifest import STATE, WEIGHTS
from nmt.run_directory import CHECKPOINTS, clean, latest_valid_checkpoint
from nmt.storage import RunLock, make_directory, remove_directory, write_file
from nmt.training.metrics import METRICS, TENSORBOARD, MetricsWriter
from nmt.training.preparation import CORPUS, TOKENIZER, corpus_files, prepare_corpus, train_tokenizers
from nmt.training.progress import duration
from nmt.training.state import TrainingState
from nmt.training.stopping import StopRequest
from nmt.training.trainer import Trainer
from nmt.training.updates import Text
from nmt.training.validation import Validator

CONFIG_FILE = "config.yaml"

logger = logging.getLogger(__name__)


def train(config: Config, run: Path | str, *, device: str = "auto", restart: bool = False, quiet: bool = True) -> str:
    """Trains a model into a run directory, which is made if need be; see `train_locked` for the rest.

    Raises:
        RunInUseError: another process trains there.
    """
    directory = Path(run)
    make_directory(directory)
    with RunLock(directory):
        return train_locked(config, directory, device=device, restart=restart, quiet=quiet)


def train_locked(config: Config, run: Path, *, device: str = "auto", restart: bool = False, quiet: bool = False) -> str:
    """Trains a model into the run directory, or goes on where an earlier training stopped; returns what ended it.

    The caller holds the directory's `RunLock`.

    Args:
        config: what to train on what.
        run: the run directory.
        device: auto, cpu, cuda or cuda:N.
        restart: throw away what the directory holds of an earlier training.
        quiet: show no progress bar.

    Raises:
        ConfigError: a key that may not change on the way was changed.
        DataError, InputFileError: the corpus cannot be used.
        ModelError: the checkpoints of the run are damaged.
        StoppedError: a signal asked to stop; the state was saved first.
        NonFiniteError, MemoryExhaustedError, StorageError: training cannot go on.
    """
    where = choose_device(device)
    dtype = choose_precision(config.training.precision, where, training=True)
    with StopRequest() as stop:
        if restart:
            corpus_files(config)  # before anything is lost
            _clear(run)
        clean(run)
        checkpoint = _checkpoint_to_resume(config, run)
        if checkpoint is not None and (limit := _already_finished(config, checkpoint)) is not None:
            logger.info("this run is finished already: %s", limit)
            return limit
        files = corpus_files(config)
        write_file(run / CONFIG_FILE, config.as_yaml().encode())
        text = _read_tokenizers(checkpoint) if checkpoint else train_tokenizers(config, run, files, stop)
        store = prepare_corpus(config, run, files, text, stop, quiet=quiet)
        trainer = _make_trainer(config, run, text, store, checkpoint, stop, where, dtype)
        metrics = MetricsWriter(
            run, trainer.state.step, trainer.state.validated_step, tensorboard=config.training.tensorboard
        )
        try:
            limit = trainer.fit(metrics, quiet=quiet)
        finally:
            metrics.close()
    logger.info("finished: %s after %s; %s", limit, duration(trainer.state.seconds), trainer.best_text())
    return limit


def check_unchanged(config: Config, checkpoint: Loaded) -> None:
    """Sees that nothing but limits and intervals differs from the configuration that the run began with.

    Raises:
        ConfigError: something does; it names each key with both values.
    """
    old = from_yaml(checkpoint.config, str(checkpoint.directory / CONFIG_FILE))
    problems = [
        Problem(key, f"was {before!r} when this run began, and is {after!r} now; --restart begins anew")
        for key, before, after in changed_keys(old, config)
        if key not in CHANGEABLE
    ]
    if problems:
        raise ConfigError.of(problems)


def _clear(run: Path) -> None:
    """Removes what a training wrote, and nothing else."""
    for name in ("best", "last", METRICS, CONFIG_FILE):
        (run / name).unlink(missing_ok=True)
    for name in (CHECKPOINTS, TOKENIZER, CORPUS, TENSORBOARD):
        if (run / name).is_dir():
            remove_directory(run / name)


def _checkpoint_to_resume(config: Config, run: Path) -> Loaded | None:
    directory = latest_valid_checkpoint(run, logger.warning)
    if directory is None:
        return None
    checkpoint = load_checkpoint(directory, with_optimizer=True)
    check_unchanged(config, checkpoint)
    return checkpoint


def _already_finished(config: Config, checkpoint: Loaded) -> str | None:
    """The limit that the checkpoint's training ended at; None while there is more to do."""
    state = TrainingState.from_json(checkpoint.state, checkpoint.directory / STATE)
    return state.limit_reached(config.training) if state.validated_step == state.step else None


def _read_tokenizers(checkpoint: Loaded) -> Text:
    source, target = read_tokenizers(checkpoint.tokenizers, checkpoint.directory)
    return Text(source, target, dict(checkpoint.tokenizers))


def _make_trainer(
    config: Config,
    run: Path,
    text: Text,
    store: Store,
    checkpoint: Loaded | None,
    stop: StopRequest,
    device: torch.device,
    dtype: torch.dtype,
) -> Trainer:
    torch.manual_seed(config.seed)
    model = build_model(config.model, text.source.size, text.target.size).to(device)
    logger.info(
        "model: %s parameters, %s attention, vocabulary %s; %s products on %s",
        f"{sum(parameter.numel() for parameter in model.parameters()):,}",
        config.model.attention,
        f"{text.target.size:,}",
        str(dtype).removeprefix("torch."),
        device,
    )
    validation = CorpusFiles(config.data.validation.source, config.data.validation.target)
    pairs = [(pair.source, pair.target) for pair in read_pairs(validation, logger.warning)]
    validator = Validator(config, pairs, (text.source, text.target), device, dtype)
    trainer = Trainer(run, config, model, store, text, validator, stop, dtype)
    if checkpoint is not None:
        check_tensors(checkpoint.weights, dict(model.named_parameters()), checkpoint.directory / WEIGHTS)
        trainer.resume(checkpoint)
        if trainer.state.corpus != store.fingerprint:
            raise DataError(
                ", ".join(files_of(config)), "changed since this run began; --restart begins anew with them"
            )
        logger.info("going on from step %s (%s)", f"{trainer.state.step:,}", checkpoint.directory)
    return trainer


def files_of(config: Config) -> tuple[str, ...]:
    """The files of the training corpus."""
    return config.data.train.source + config.data.train.target
