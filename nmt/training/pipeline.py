"""The pipeline of a run: tokenizers, corpus, model, training."""

from __future__ import annotations

import logging
import os
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import torch

from nmt.build import build_model
from nmt.checkpoint.checkpoint import Checkpoint, load_checkpoint
from nmt.checkpoint.layout import ALIGNMENTS, BEST, CHECKPOINTS, CONFIG, CORPUS
from nmt.checkpoint.loading import ModelBundle
from nmt.checkpoint.manifest import verify
from nmt.checkpoint.ownership import OF_ONE_TRAINING, own_run_directory
from nmt.checkpoint.restart import clean, restore, stash
from nmt.checkpoint.run_directory import checkpoint_name, set_pointer, use_latest
from nmt.checkpoint.training_state import TrainingState
from nmt.config import Config, check_argument, check_path, from_yaml
from nmt.config.parallel_files import distinct_tags
from nmt.config.types import Switch
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.store import Store
from nmt.device import choose_device, choose_precision, own_settings
from nmt.errors import ConfigError, DataError, RunInUseError
from nmt.io.atomic_files import free_bytes, remove, write_file
from nmt.io.locks import RunLock
from nmt.model.kernels.dispatch import compile_early
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.alignments import check_alignment_files, prepare_alignments
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.disk_space import DiskSpace
from nmt.training.distributed.process_group import ProcessGroup
from nmt.training.distributed.rank import ProcessRank
from nmt.training.initialization import (
    freeze,
    inheriting,
    initialize,
    initialized_from,
    log_initialized,
    open_origin,
)
from nmt.training.job import TrainingJob
from nmt.training.malloc import keep_freed_memory
from nmt.training.metrics_log import MetricsWriter
from nmt.training.preparation import (
    corpus_files,
    keep_tokenizers,
    prepare_corpus,
    read_trained_tokenizers,
    train_tokenizers,
)
from nmt.training.resuming import (
    began_with,
    check_renamed_files,
    check_unchanged,
    check_validation,
    finished_by,
    how_to_go_on,
    read_validation_pairs,
)
from nmt.training.scoring import validation_problems
from nmt.training.signals import StopRequest
from nmt.training.trainer import Trainer
from nmt.training.validation import Validator
from nmt.translation.arguments import check_text

logger = logging.getLogger(__name__)


class TrainingEnd(NamedTuple):
    """The end of a training."""

    limit: str  # that ended it, in words
    updates: int  # that it made in all


def train(config: Config, run: Path | str, *, device: str = "auto", restart: bool = False, quiet: bool = True) -> str:
    """Trains a model into a run directory, which is made if need be; see `train_owned` for the rest.

    Raises:
        TypeError: the configuration is none, or another argument is of another type.
        ConfigError: the directory holds what training would overwrite, and did not write.
        RunInUseError: another process trains there.
    """
    if not isinstance(config, Config):
        hint = f"load_config({str(config)!r:.200})" if isinstance(config, str | os.PathLike) else "load_config"
        raise TypeError(f"config is {config!r:.200}: expected a configuration, which {hint} returns")
    directory = Path(check_path(run, "run"))
    device = check_text(device, "device")
    restart, quiet = check_argument("restart", restart, Switch), check_argument("quiet", quiet, Switch)
    learning = torch.inference_mode(False), torch.enable_grad()
    owned = own_run_directory(config, directory)
    with own_settings(), learning[0], learning[1], owned as lock, StopRequest() as stop:
        return train_owned(config, lock, stop, device=device, restart=restart, quiet=quiet).limit


def train_owned(
    config: Config,
    lock: RunLock,
    stop: StopRequest,
    *,
    device: str = "auto",
    restart: bool = False,
    quiet: bool = False,
    group: ProcessGroup | None = None,
) -> TrainingEnd:
    """Trains a model into the run directory, or goes on where an earlier training stopped; returns how it ended.

    The caller is alone, or the first of several processes.

    Args:
        config: of the training.
        lock: of the run directory, as `nmt.checkpoint.ownership.own_run_directory` yields it.
        stop: checked from now on.
        device: auto, cpu, cuda or cuda:N.
        restart: begins anew. What the directory holds of an earlier training is lost once a checkpoint of this one is
            saved; if none is, it is restored.
        quiet: shows no progress bar.
        group: the processes that train together, the others of which run `train_along`; this one alone by default.

    Raises:
        ConfigError: a key that may not change on the way was changed.
        DataError, InputFileError: the corpus cannot be used.
        ModelError: the checkpoints of the run are damaged.
        StoppedError: a signal asked to stop; the state was saved first.
        NonFiniteError, MemoryExhaustedError, StorageError: training cannot go on.
        RunInUseError: the lock was lost, to another process.
        NmtError: another process failed, for a reason of its own.
    """
    keep_freed_memory()
    group = group or ProcessGroup()
    where = _choose_device(device, group.process)
    dtype = choose_precision(config.training.precision, where, training=True)
    compile_early(where)  # while the corpus is prepared
    strategy = DeviceStrategy.for_device(where, alone=group.alone, cuda_graphs=config.training.cuda_graphs)
    run = lock.directory
    job = TrainingJob(run, config, strategy, dtype, group, stop, quiet, lock.check)
    with group.leading():
        stop.check()
        clean(run)
        try:
            if restart:
                stash(run, OF_ONE_TRAINING)
            return _run(job)
        finally:
            with suppress(RunInUseError):  # then another owns the run, and what is stashed there
                lock.check()
                if restore(run):
                    logger.info("no checkpoint was saved: what %s held before --restart is there again", run)


def _choose_device(name: str, process: ProcessRank) -> torch.device:
    return choose_device(name, None if process.is_alone else process.local_rank)


def _run(job: TrainingJob) -> TrainingEnd:
    """Prepares whatever is not prepared yet, and trains; returns how the training ended."""
    run = job.run
    checkpoint = use_latest(run, logger.warning, load_checkpoint)
    origin = open_origin(job.config, run) if checkpoint is None else None
    job = inheriting(job, checkpoint, origin)
    config = job.config
    if checkpoint is not None:
        check_unchanged(config, checkpoint)
        if (limit := finished_by(config, checkpoint.state)) is not None:
            check_renamed_files(config, checkpoint, job.stop)
            logger.info("this run is finished already: %s; %s", limit, how_to_go_on(config, checkpoint.state))
            return TrainingEnd(limit, checkpoint.state.step)
    scoring = began_with(checkpoint) if checkpoint else None
    if problems := validation_problems(config.training, scoring):
        raise ConfigError.from_problems(problems)
    files = corpus_files(config, job.stop.check)
    check_alignment_files(config, files, job.stop.check)
    pairs = read_validation_pairs(config)
    if checkpoint is not None:
        check_validation(config, pairs, checkpoint.state)
    job.check_owned()
    write_file(run / CONFIG, config.as_yaml().encode())
    tokenizers = _tokenizers(job, files, checkpoint, origin)
    expected = checkpoint.state.corpus if checkpoint else None
    job.check_owned()
    store = prepare_corpus(config, run, files, tokenizers, job.stop, quiet=job.quiet, expected=expected)
    alignments = prepare_alignments(job, files, store, tokenizers, checkpoint.state.alignments if checkpoint else "")
    _share_plan(job, checkpoint, store, alignments)
    model = _make_model(job, tokenizers)
    if origin is not None:
        log_initialized(origin, initialize(model, tokenizers, origin), config.training.freeze)
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    DiskSpace.required(config, run, weights).check(run, free_bytes(run))
    validator = Validator(config, pairs, tokenizers, job.dtype, scoring)
    validator.scoring.log()
    with job.group.joined(job.device, job.stop):
        described = initialized_from(checkpoint, origin)
        trainer = Trainer(job, model, store, tokenizers, validator, described, alignments)
        job.check_owned()
        if checkpoint is not None:
            trainer.resume(checkpoint)
            _reset_best(run, trainer.state)
            logger.info("going on from step %s (%s)", f"{trainer.state.step:,}", checkpoint.directory)
        del checkpoint, origin  # as large as the model and the optimizer, which have taken over what they held
        return _fit(job, trainer)


def _tokenizers(
    job: TrainingJob, files: CorpusFiles, checkpoint: Checkpoint | None, origin: ModelBundle | None
) -> Tokenizers:
    if checkpoint is not None:
        return checkpoint.tokenizers
    if origin is not None and job.config.training.initialize_tokenizers:
        return keep_tokenizers(job.run, origin.tokenizers, origin.identity, distinct_tags(job.config.data.train))
    return train_tokenizers(job.config, job.run, files, job.stop)


def _share_plan(job: TrainingJob, checkpoint: Checkpoint | None, store: Store, alignments: Store | None) -> None:
    """Sends the plan of the training to the other processes."""
    job.group.begin(
        {
            "run": str(job.run.absolute()),
            "config": job.config.as_yaml(),
            "checkpoint": checkpoint.directory.name if checkpoint else None,
            "corpus": store.fingerprint,
            "alignments": None if alignments is None else alignments.fingerprint,
            "device": job.device.type,
            "precision": "bf16" if job.dtype == torch.bfloat16 else "fp32",
            "threads": torch.get_num_threads(),
        }
    )


def _fit(job: TrainingJob, trainer: Trainer) -> TrainingEnd:
    """Trains the model and writes the metrics; returns how the training ended."""
    state, tensorboard = trainer.state, job.config.training.tensorboard
    with closing(MetricsWriter(job.run, state.step, state.validated_step, tensorboard=tensorboard)) as metrics:
        limit = trainer.fit(metrics)
    logger.info("finished: %s after %s; %s", limit, trainer.time_text(), trainer.best_text())
    return TrainingEnd(limit, trainer.state.step)


def train_along(group: ProcessGroup, stop: StopRequest) -> None:
    """Takes part in the training of the first process, once that has prepared it, by reading its files.

    Raises:
        DismissedError: the first process has left.
        DataError, ModelError: the files of the first process are not the same here.
        DeviceError: there is no device for this process.
        StoppedError, NonFiniteError, MemoryExhaustedError: as for the first process.
    """
    plan = group.plan(stop)
    torch.set_num_threads(plan["threads"])
    device = _choose_device(plan["device"], group.process)
    dtype = choose_precision(plan["precision"], device, training=True)
    run = Path(plan["run"])
    strategy = DeviceStrategy.for_device(device, alone=group.alone)
    job = TrainingJob(run, from_yaml(plan["config"], CONFIG), strategy, dtype, group, stop)
    name = plan["checkpoint"]
    checkpoint = load_checkpoint(run / CHECKPOINTS / name) if name else None
    tokenizers = checkpoint.tokenizers if checkpoint else read_trained_tokenizers(run)
    store = _shared_store(run / CORPUS, plan["corpus"])
    alignments = _shared_store(run / ALIGNMENTS, plan["alignments"]) if plan["alignments"] else None
    model = _make_model(job, tokenizers)
    with group.joined(device, stop):
        trainer = Trainer(job, model, store, tokenizers, None, alignments=alignments)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        del checkpoint
        trainer.fit(None)


def _shared_store(directory: Path, fingerprint: str) -> Store:
    """Opens a store that the first process has made, with this fingerprint."""
    store = Store.open(directory)
    if store.fingerprint != fingerprint:
        raise DataError(str(directory), "not that of the first process; all have to see one run directory")
    return store


def _make_model(job: TrainingJob, tokenizers: Tokenizers) -> Seq2Seq:
    config, processes = job.config, job.group.process.world_size
    torch.manual_seed(config.seed)
    model = build_model(config.model, tokenizers.source.size, tokenizers.target.size).to(job.device)
    frozen = freeze(model, config.training.freeze)
    logger.info(
        "model: %s parameters%s, %s attention, vocabulary %s; %s products on %s%s",
        f"{sum(parameter.numel() for parameter in model.parameters()):,}",
        f" ({frozen:,} frozen)" if frozen else "",
        "no" if config.model.attention == "none" else config.model.attention,
        f"{tokenizers.target.size:,}",
        str(job.dtype).removeprefix("torch."),
        job.device,
        f", {processes} processes" if processes > 1 else "",
    )
    if not model.decoder.has_fast_loop:
        decoder, hint = f"decoder with {config.model.attention}", ""
        if config.model.attention == "none":  # only a conditional decoder without attention has no fast loop
            decoder = "conditional decoder without"
            hint = "; model.decoder.conditional=false is trained by the fast loop"
        logger.warning("model: a %s attention is trained step by step, which takes longer%s", decoder, hint)
    return model


def _reset_best(run: Path, state: TrainingState) -> None:
    """Points to the checkpoint that was the best when the state was saved; a killed training may have changed that."""
    if state.best_score is None:
        if (run / BEST).exists():
            remove(run / BEST)
        return
    name = checkpoint_name(state.best_step)
    if not verify(run / CHECKPOINTS / name):
        set_pointer(run, BEST, name)
