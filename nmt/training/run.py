"""The whole pipeline of a run: tokenizer, corpus, model, training."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from nmt.build import build_model
from nmt.checkpoint import Loaded, check_tensors, load_checkpoint
from nmt.config import CHANGEABLE, Config, changed_keys, from_yaml
from nmt.config.yaml12 import flow
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.corpus.store import Store
from nmt.device import choose_device, choose_precision
from nmt.errors import ConfigError, Problem, StorageError
from nmt.loading import read_tokenizers
from nmt.manifest import CONFIG, STATE, WEIGHTS, verify
from nmt.run_directory import (
    CHECKPOINTS,
    checkpoint_name,
    checkpoints_to_replace,
    clean,
    latest_valid_checkpoint,
    mark,
    put_back,
    set_aside,
)
from nmt.storage import free_bytes, remove, write_file
from nmt.training.directory import OF_ONE_TRAINING, hold
from nmt.training.metrics import MetricsWriter
from nmt.training.preparation import corpus_files, prepare_corpus, train_tokenizers
from nmt.training.progress import duration
from nmt.training.state import TrainingState
from nmt.training.stopping import StopRequest
from nmt.training.trainer import Trainer
from nmt.training.updates import Text
from nmt.training.validation import Validator

logger = logging.getLogger(__name__)


def train(config: Config, run: Path | str, *, device: str = "auto", restart: bool = False, quiet: bool = True) -> str:
    """Trains a model into a run directory, which is made if need be; see `train_locked` for the rest.

    Raises:
        ConfigError: the directory holds what training would overwrite, and did not write.
        RunInUseError: another process trains there.
    """
    directory = Path(run)
    with hold(config, directory):
        return train_locked(config, directory, device=device, restart=restart, quiet=quiet)


def train_locked(config: Config, run: Path, *, device: str = "auto", restart: bool = False, quiet: bool = False) -> str:
    """Trains a model into the run directory, or goes on where an earlier training stopped; returns what ended it.

    The caller holds the directory, by `nmt.training.directory.hold`.

    Args:
        config: what to train on what.
        run: the run directory.
        device: auto, cpu, cuda or cuda:N.
        restart: begin anew. What the directory holds of an earlier training is lost once a checkpoint of this one is
            saved; if none is, it is put back.
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
        clean(run)
        try:
            if restart:
                set_aside(run, OF_ONE_TRAINING)
            return _train(config, run, stop, where, dtype, quiet=quiet)
        finally:
            if put_back(run):
                logger.info("no checkpoint was saved: what %s held before --restart is there again", run)


def _train(
    config: Config, run: Path, stop: StopRequest, device: torch.device, dtype: torch.dtype, *, quiet: bool
) -> str:
    checkpoint = _checkpoint_to_resume(config, run)
    if checkpoint is not None and (limit := _already_finished(config, checkpoint)) is not None:
        logger.info("this run is finished already: %s", limit)
        return limit
    files = corpus_files(config, stop.check)
    write_file(run / CONFIG, config.as_yaml().encode())
    text = _read_tokenizers(checkpoint) if checkpoint else train_tokenizers(config, run, files, stop)
    expected = _state(checkpoint).corpus if checkpoint else None
    store = prepare_corpus(config, run, files, text, stop, quiet=quiet, expected=expected)
    trainer = _make_trainer(config, run, text, store, checkpoint, stop, device, dtype)
    del checkpoint  # as large as the model and the optimizer, which have taken over what it held
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
    old = from_yaml(checkpoint.config, str(checkpoint.directory / CONFIG))
    problems = [
        Problem(key, f"was {flow(before)} when this run began, and is {flow(after)} now; --restart begins anew")
        for key, before, after in changed_keys(old, config)
        if key not in CHANGEABLE
    ]
    if problems:
        raise ConfigError.of(problems)


def _checkpoint_to_resume(config: Config, run: Path) -> Loaded | None:
    directory = latest_valid_checkpoint(run, logger.warning)
    if directory is None:
        return None
    checkpoint = load_checkpoint(directory, with_optimizer=True)
    check_unchanged(config, checkpoint)
    return checkpoint


def _already_finished(config: Config, checkpoint: Loaded) -> str | None:
    """The limit that the checkpoint's training ended at; None while there is more to do."""
    state = _state(checkpoint)
    return state.limit_reached(config.training) if state.validated_step == state.step else None


def _state(checkpoint: Loaded) -> TrainingState:
    return TrainingState.from_json(checkpoint.state, checkpoint.directory / STATE)


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
    _check_free_space(config, run, model)
    validation = CorpusFiles(config.data.validation.source, config.data.validation.target)
    pairs = [(pair.source, pair.target) for pair in read_pairs(validation, logger.warning)]
    validator = Validator(config, pairs, (text.source, text.target), device, dtype)
    trainer = Trainer(run, config, model, store, text, validator, stop, dtype)
    if checkpoint is not None:
        check_tensors(checkpoint.weights, dict(model.named_parameters()), checkpoint.directory / WEIGHTS)
        trainer.resume(checkpoint)
        _set_best_back(run, trainer.state)
        logger.info("going on from step %s (%s)", f"{trainer.state.step:,}", checkpoint.directory)
    return trainer


def _check_free_space(config: Config, run: Path, model: torch.nn.Module) -> None:
    """Sees that the checkpoints will find room: best, last, those kept besides, and one that is being written.

    Raises:
        StorageError: they will not.
    """
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    # The optimizer has two moments of each weight; and the average of weights comes on top of them.
    size = weights * (4 if config.training.average_decay else 3)
    count = max(1, config.training.keep_checkpoints + 3 - checkpoints_to_replace(run))
    free = free_bytes(run)
    if free < count * size:
        raise StorageError(
            str(run),
            f"{free / 1e9:.1f} GB are free, but {count} checkpoints of {size / 1e9:.1f} GB will be written; "
            "free some, or lower training.keep_checkpoints",
        )


def _set_best_back(run: Path, state: TrainingState) -> None:
    """Marks as best what was the best when the state was saved; a killed training may have marked a later one."""
    if state.best_score is None:
        if (run / "best").exists():
            remove(run / "best")
        return
    name = checkpoint_name(state.best_step)
    if not verify(run / CHECKPOINTS / name):
        mark(run, "best", name)
