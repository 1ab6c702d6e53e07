"""The whole pipeline of a run: tokenizer, corpus, model, training."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import chain
from pathlib import Path
from typing import TypeVar

import torch

from nmt.build import build_model
from nmt.checkpoint import Loaded, check_tensors, load_checkpoint
from nmt.config import CHANGEABLE, Config, changed_keys, from_yaml
from nmt.corpus.cleaning import PairFilter
from nmt.corpus.encoding import PairEncoder
from nmt.corpus.fingerprint import text_digest
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.corpus.preparation import prepare
from nmt.corpus.store import Store
from nmt.device import choose_device, choose_precision
from nmt.errors import ConfigError, DataError, InputFileError, Problem
from nmt.manifest import SHARED_TOKENIZER, SOURCE_TOKENIZER, STATE, TARGET_TOKENIZER, WEIGHTS
from nmt.run_directory import CHECKPOINTS, clean, latest_valid_checkpoint
from nmt.storage import make_directory, remove_directory, write_file
from nmt.text.files import read_lines
from nmt.text.tokenizer import Tokenizer
from nmt.text.tokenizer_training import train_tokenizer
from nmt.training.metrics import METRICS, TENSORBOARD, MetricsWriter
from nmt.training.progress import CountProgress, duration
from nmt.training.state import TrainingState
from nmt.training.stopping import StopRequest
from nmt.training.trainer import Text, Trainer
from nmt.training.validation import Validator
from nmt.translator import read_tokenizers

CONFIG_FILE = "config.yaml"
TOKENIZER = "tokenizer"
FINGERPRINT = "fingerprint.json"
CORPUS = "corpus"

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def train(
    config: Config,
    run: Path,
    *,
    device: str = "auto",
    precision: str | None = None,
    restart: bool = False,
    quiet: bool = False,
) -> str:
    """Trains a model into the run directory, or goes on where an earlier training stopped; returns what ended it.

    The caller holds the directory's `RunLock`.

    Args:
        config: what to train on what.
        run: the run directory.
        device: auto, cpu, cuda or cuda:N.
        precision: in place of `training.precision`.
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
    dtype = choose_precision(precision or config.training.precision, where, training=True)
    with StopRequest() as stop:
        if restart:
            _corpus_files(config)  # before anything is lost
            _clear(run)
        clean(run)
        checkpoint = _checkpoint_to_resume(config, run)
        if checkpoint is not None and (limit := _already_finished(config, checkpoint)) is not None:
            logger.info("this run is finished already: %s", limit)
            return limit
        files = _corpus_files(config)
        write_file(run / CONFIG_FILE, config.as_yaml().encode())
        text = _read_tokenizers(checkpoint) if checkpoint else _train_tokenizers(config, run, files, stop)
        store = _prepare_corpus(config, run, files, text, stop, quiet=quiet)
        trainer = _make_trainer(config, run, text, store, checkpoint, stop, where, dtype)
        metrics = MetricsWriter(run, trainer.state.step, tensorboard=config.training.tensorboard)
        try:
            limit = trainer.fit(metrics, quiet=quiet)
        finally:
            metrics.close()
    logger.info("finished: %s after %s; %s", limit, duration(trainer.state.seconds), trainer.best_text())
    return limit


def check_unchanged(config: Config, run: Path) -> None:
    """Sees that nothing but limits and intervals differs from the configuration that the run began with.

    Raises:
        ConfigError: something does; it names each key with both values.
    """
    path = run / CONFIG_FILE
    try:
        old = from_yaml(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InputFileError(str(path), f"cannot be read: {error.strerror}") from error
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
    check_unchanged(config, run)
    return load_checkpoint(directory, with_optimizer=True)


def _already_finished(config: Config, checkpoint: Loaded) -> str | None:
    """The limit that the checkpoint's training ended at; None while there is more to do."""
    state = TrainingState.from_json(checkpoint.state, checkpoint.directory / STATE)
    return state.limit_reached(config.training) if state.validated_step == state.step else None


def _corpus_files(config: Config) -> CorpusFiles:
    files = CorpusFiles(config.data.train.source, config.data.train.target)
    CorpusFiles(
        files.source + config.data.validation.source, files.target + config.data.validation.target
    ).check_present()
    return files


def _read_tokenizers(checkpoint: Loaded) -> Text:
    source, target = read_tokenizers(checkpoint.tokenizers, checkpoint.directory)
    return Text(source, target, dict(checkpoint.tokenizers))


def _train_tokenizers(config: Config, run: Path, files: CorpusFiles, stop: StopRequest) -> Text:
    """Trains the tokenizers, or takes existing ones; kept in the run directory while nothing they depend on changes."""
    folder = run / TOKENIZER
    fingerprint = _tokenizer_fingerprint(config, files, stop)
    names = (SHARED_TOKENIZER,) if config.tokenizer.shared else (SOURCE_TOKENIZER, TARGET_TOKENIZER)
    if _holds(folder, fingerprint):
        logger.info("tokenizer: unchanged")
        models = {name: (folder / name).read_bytes() for name in names}
        return Text(*read_tokenizers(models, folder), models)
    if config.tokenizer.shared:
        models = {SHARED_TOKENIZER: _model(config, config.tokenizer.source_model, files.source + files.target, stop)}
    else:
        models = {
            SOURCE_TOKENIZER: _model(config, config.tokenizer.source_model, files.source, stop),
            TARGET_TOKENIZER: _model(config, config.tokenizer.target_model, files.target, stop),
        }
    make_directory(folder)
    for name, model in models.items():
        write_file(folder / name, model)
    write_file(folder / FINGERPRINT, json.dumps(fingerprint).encode())
    return Text(*read_tokenizers(models, folder), models)


def _holds(folder: Path, fingerprint: str) -> bool:
    path = folder / FINGERPRINT
    return path.is_file() and path.read_bytes() == json.dumps(fingerprint).encode()


def _tokenizer_fingerprint(config: Config, files: CorpusFiles, stop: StopRequest) -> str:
    """A hash of all that the tokenizers are made from."""
    existing = [path for path in (config.tokenizer.source_model, config.tokenizer.target_model) if path]
    parts = [config.tokenizer.model_dump_json(), str(config.seed)]
    parts += [text_digest(path, stop.check) for path in chain(files.source, files.target, existing)]
    return hashlib.blake2b("\n".join(parts).encode()).hexdigest()


def _model(config: Config, existing: str | None, paths: tuple[str, ...], stop: StopRequest) -> bytes:
    """A SentencePiece model: an existing one, or one trained on the lines of some files."""
    if existing is not None:
        return Tokenizer.load(existing).model
    options = config.tokenizer
    logger.info("tokenizer: training %s on %s", options.kind, ", ".join(paths))

    def lines() -> Iterator[str]:
        for path in paths:
            for line in read_lines(path, logger.warning):
                stop.check()
                yield line.text

    trained = _in_thread(
        lambda: train_tokenizer(
            lines(),
            kind=options.kind,
            vocabulary_size=options.vocabulary_size,
            character_coverage=options.character_coverage,
            byte_fallback=options.byte_fallback,
            normalization=options.normalization,
            training_lines=options.training_lines * (2 if options.shared else 1),
            seed=config.seed,
        ),
        stop,
    )
    if trained.warning:
        logger.warning("tokenizer: %s", trained.warning)
    return trained.model


def _in_thread(work: Callable[[], Result], stop: StopRequest) -> Result:
    """Runs long work that hears no signals in a thread, so that a signal can end the program meanwhile."""
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # handed over to the thread that waits
            outcome.set_exception(error)

    threading.Thread(target=run, name="tokenizer", daemon=True).start()
    while True:
        try:
            return outcome.result(timeout=0.2)
        except TimeoutError:
            if outcome.done():
                raise
            stop.check()


def _prepare_corpus(
    config: Config, run: Path, files: CorpusFiles, text: Text, stop: StopRequest, *, quiet: bool
) -> Store:
    data = config.data
    progress = CountProgress("tokenising", "pairs", quiet=quiet)

    def show(pairs: int) -> None:
        stop.check()
        progress.show(pairs)

    try:
        store = prepare(
            run / CORPUS,
            files,
            PairEncoder(text.source, text.target),
            PairFilter(data.max_length, data.max_length_ratio, data.drop_duplicates),
            processes=len(os.sched_getaffinity(0)),
            progress=show,
            warn=logger.warning,
        )
    finally:
        progress.close()
    for line in store.report.lines():
        logger.info("training corpus: %s", line)
    return store


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
