"""From files of text to tokenizers and a corpus of token ids, as a run keeps them."""

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

from nmt.config import Config
from nmt.corpus.cleaning import PairFilter
from nmt.corpus.encoding import PairEncoder
from nmt.corpus.fingerprint import text_digest
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.preparation import prepare
from nmt.corpus.store import Store
from nmt.loading import read_tokenizers
from nmt.manifest import SHARED_TOKENIZER, SOURCE_TOKENIZER, TARGET_TOKENIZER
from nmt.storage import make_directory, write_file
from nmt.text.files import read_lines
from nmt.text.tokenizer import Tokenizer
from nmt.text.tokenizer_training import train_tokenizer
from nmt.training.progress import CountProgress
from nmt.training.stopping import StopRequest
from nmt.training.updates import Text

TOKENIZER = "tokenizer"
FINGERPRINT = "fingerprint.json"
CORPUS = "corpus"

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def corpus_files(config: Config) -> CorpusFiles:
    """The training files; raises InputFileError unless they and those of the validation can be read."""
    files = CorpusFiles(config.data.train.source, config.data.train.target)
    CorpusFiles(
        files.source + config.data.validation.source, files.target + config.data.validation.target
    ).check_present()
    return files


def train_tokenizers(config: Config, run: Path, files: CorpusFiles, stop: StopRequest) -> Text:
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


def prepare_corpus(
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
            processes=_processors(),
            progress=show,
            warn=logger.warning,
        )
    finally:
        progress.close()
    for line in store.report.lines():
        logger.info("training corpus: %s", line)
    return store


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
