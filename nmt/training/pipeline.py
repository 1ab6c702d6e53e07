"""The whole pipeline of a run: tokenizer, corpus, model, training."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from nmt.build import build_model
from nmt.checkpoint.checkpoint import Loaded, load_checkpoint
from nmt.checkpoint.loading import read_tokenizers
from nmt.checkpoint.manifest import CONFIG, STATE, verify
from nmt.checkpoint.ownership import CORPUS, OF_ONE_TRAINING, hold
from nmt.checkpoint.run_directory import (
    CHECKPOINTS,
    checkpoint_name,
    clean,
    latest_valid_checkpoint,
    mark,
    put_back,
    set_aside,
)
from nmt.checkpoint.training_state import TrainingState
from nmt.config import CHANGEABLE, Config, changed_keys, from_yaml
from nmt.config.yaml12 import flow
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.corpus.store import Store
from nmt.device import choose_device, choose_precision
from nmt.errors import ConfigError, DataError, Problem
from nmt.io.atomic_files import free_bytes, remove, write_file
from nmt.model.seq2seq import Seq2Seq
from nmt.training.batches import Text
from nmt.training.device_strategy import Execution
from nmt.training.disk_space import Room
from nmt.training.distributed.process_group import Processes
from nmt.training.distributed.rank import Place
from nmt.training.metrics_log import MetricsWriter
from nmt.training.preparation import corpus_files, prepare_corpus, read_trained_tokenizers, train_tokenizers
from nmt.training.progress import duration
from nmt.training.signals import StopRequest
from nmt.training.trainer import Trainer
from nmt.training.validation import Validator

logger = logging.getLogger(__name__)


def train(config: Config, run: Path | str, *, device: str = "auto", restart: bool = False, quiet: bool = True) -> str:
    """Trains a model into a run directory, which is made if need be; see `train_locked` for the rest.

    Raises:
        ConfigError: the directory holds what training would overwrite, and did not write.
        RunInUseError: another process trains there.
    """
    directory = Path(run)
    with hold(config, directory), StopRequest() as stop:
        return train_locked(config, directory, stop, device=device, restart=restart, quiet=quiet)


def train_locked(
    config: Config,
    run: Path,
    stop: StopRequest,
    *,
    device: str = "auto",
    restart: bool = False,
    quiet: bool = False,
    processes: Processes | None = None,
) -> str:
    """Trains a model into the run directory, or goes on where an earlier training stopped; returns what ended it.

    The caller holds the directory, by `nmt.checkpoint.ownership.hold`. Of several processes it is the first.

    Args:
        config: what to train on what.
        run: the run directory.
        stop: who has asked to stop, which is heard of from now on.
        device: auto, cpu, cuda or cuda:N.
        restart: begin anew. What the directory holds of an earlier training is lost once a checkpoint of this one is
            saved; if none is, it is put back.
        quiet: show no progress bar.
        processes: those that train together, the others of which are in `train_along`; this one alone by default.

    Raises:
        ConfigError: a key that may not change on the way was changed.
        DataError, InputFileError: the corpus cannot be used.
        ModelError: the checkpoints of the run are damaged.
        StoppedError: a signal asked to stop; the state was saved first.
        NonFiniteError, MemoryExhaustedError, StorageError: training cannot go on.
        NmtError: another process failed, for a reason of its own.
    """
    processes = processes or Processes(Place())
    where = _choose_device(device, processes.place)
    dtype = choose_precision(config.training.precision, where, training=True)
    with processes.leading():
        stop.check()
        clean(run)
        try:
            if restart:
                set_aside(run, OF_ONE_TRAINING)
            return _train(config, run, stop, where, dtype, processes, quiet=quiet)
        finally:
            if put_back(run):
                logger.info("no checkpoint was saved: what %s held before --restart is there again", run)


def _choose_device(name: str, place: Place) -> torch.device:
    return choose_device(name, place.local_rank if place.size > 1 else None)


def _train(
    config: Config,
    run: Path,
    stop: StopRequest,
    device: torch.device,
    dtype: torch.dtype,
    processes: Processes,
    *,
    quiet: bool,
) -> str:
    checkpoint = _checkpoint_to_resume(config, run)
    if checkpoint is not None and (limit := already_finished(config, checkpoint)) is not None:
        logger.info("this run is finished already: %s", limit)
        return limit
    files = corpus_files(config, stop.check)
    write_file(run / CONFIG, config.as_yaml().encode())
    text = _read_tokenizers(checkpoint) if checkpoint else train_tokenizers(config, run, files, stop)
    expected = state_of(checkpoint).corpus if checkpoint else None
    store = prepare_corpus(config, run, files, text, stop, quiet=quiet, expected=expected)
    processes.begin(
        {
            "run": str(run.absolute()),
            "config": config.as_yaml(),
            "checkpoint": checkpoint.directory.name if checkpoint else None,
            "corpus": store.fingerprint,
            "device": device.type,
            "precision": "bf16" if dtype == torch.bfloat16 else "fp32",
            "threads": torch.get_num_threads(),
        }
    )
    model = _make_model(config, text, device, dtype, processes.place)
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    Room.needed(config, run, weights).check(run, free_bytes(run))
    validator = _make_validator(config, text, dtype)
    with processes.group(device, stop):
        execution = Execution.on(device, alone=processes.alone, recording=config.training.cuda_graphs)
        trainer = Trainer(run, config, model, store, text, validator, stop, dtype, processes, execution)
        if checkpoint is not None:
            trainer.resume(checkpoint)
            _set_best_back(run, trainer.state)
            logger.info("going on from step %s (%s)", f"{trainer.state.step:,}", checkpoint.directory)
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


def train_along(processes: Processes, stop: StopRequest) -> None:
    """Takes part in what the first process trains, once that has prepared it, by reading what it wrote.

    Raises:
        DismissedError: the first process has left.
        DataError, ModelError: what the first process wrote is not found here.
        DeviceError: there is no device for this process.
        StoppedError, NonFiniteError, MemoryExhaustedError: as for the first process.
    """
    plan = processes.plan(stop)
    torch.set_num_threads(plan["threads"])
    device = _choose_device(plan["device"], processes.place)
    dtype = choose_precision(plan["precision"], device, training=True)
    run = Path(plan["run"])
    config = from_yaml(plan["config"], CONFIG)
    name = plan["checkpoint"]
    checkpoint = load_checkpoint(run / CHECKPOINTS / name, with_optimizer=True) if name else None
    text = _read_tokenizers(checkpoint) if checkpoint else read_trained_tokenizers(run)
    store = Store.open(run / CORPUS)
    if store.fingerprint != plan["corpus"]:
        raise DataError(str(store.directory), "not the corpus of the first process; all have to see one run directory")
    model = _make_model(config, text, device, dtype, processes.place)
    with processes.group(device, stop):
        execution = Execution.on(device, alone=processes.alone)
        trainer = Trainer(run, config, model, store, text, None, stop, dtype, processes, execution)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        del checkpoint
        trainer.fit(None, quiet=True)


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
        raise ConfigError.from_problems(problems)


def _checkpoint_to_resume(config: Config, run: Path) -> Loaded | None:
    directory = latest_valid_checkpoint(run, logger.warning)
    if directory is None:
        return None
    checkpoint = load_checkpoint(directory, with_optimizer=True)
    check_unchanged(config, checkpoint)
    return checkpoint


def already_finished(config: Config, checkpoint: Loaded) -> str | None:
    """The limit that the checkpoint's training ended at; None while there is more to do."""
    state = state_of(checkpoint)
    return state.limit_reached(config.training) if state.validated_step == state.step else None


def state_of(checkpoint: Loaded) -> TrainingState:
    """Where the checkpoint's training stood. Raises ModelError where that is none of this version's."""
    return TrainingState.from_json(checkpoint.state, checkpoint.directory / STATE)


def _read_tokenizers(checkpoint: Loaded) -> Text:
    source, target = read_tokenizers(checkpoint.tokenizers, checkpoint.directory)
    return Text(source, target, dict(checkpoint.tokenizers))


def _make_model(config: Config, text: Text, device: torch.device, dtype: torch.dtype, place: Place) -> Seq2Seq:
    torch.manual_seed(config.seed)
    model = build_model(config.model, text.source.size, text.target.size).to(device)
    logger.info(
        "model: %s parameters, %s attention, vocabulary %s; %s products on %s%s",
        f"{sum(parameter.numel() for parameter in model.parameters()):,}",
        "no" if config.model.attention == "none" else config.model.attention,
        f"{text.target.size:,}",
        str(dtype).removeprefix("torch."),
        device,
        f", {place.size} processes" if place.size > 1 else "",
    )
    if not model.decoder.has_fast_loop:
        logger.warning(
            "model: a conditional decoder without attention is trained step by step, which takes longer; "
            "model.decoder.conditional=false is trained by the fast loop"
        )
    return model


def _make_validator(config: Config, text: Text, dtype: torch.dtype) -> Validator:
    validation = CorpusFiles(config.data.validation.source, config.data.validation.target)
    pairs = [(pair.source, pair.target) for pair in read_pairs(validation, logger.warning)]
    return Validator(config, pairs, (text.source, text.target), dtype)


def _set_best_back(run: Path, state: TrainingState) -> None:
    """Marks as best what was the best when the state was saved; a killed training may have marked a later one."""
    if state.best_score is None:
        if (run / "best").exists():
            remove(run / "best")
        return
    name = checkpoint_name(state.best_step)
    if not verify(run / CHECKPOINTS / name):
        mark(run, "best", name)
