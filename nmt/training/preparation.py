"""Preparation: from files of text to the tokenizers and the corpus of token ids that a run keeps."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from itertools import chain
from pathlib import Path
from typing import TypeVar

from nmt.checkpoint.layout import (
    CORPUS,
    SHARED_TOKENIZER,
    SOURCE_TOKENIZER,
    TARGET_TOKENIZER,
    TOKENIZER,
    TOKENIZER_FILES,
)
from nmt.checkpoint.manifest import read_regular_file
from nmt.checkpoint.tokenizer_folder import (
    read_tokenizer_folder,
    tokenizer_files,
    tokenizers_from_files,
    write_tokenizer_folder,
)
from nmt.config import Config
from nmt.config.parallel_files import ParallelFiles, distinct_tags
from nmt.corpus.build import build_corpus
from nmt.corpus.cleaning import PairFilter
from nmt.corpus.fingerprint import corpus_fingerprint, text_digest
from nmt.corpus.mixture import Mixture
from nmt.corpus.parallel import CorpusFiles, texts_of
from nmt.corpus.permutation import derive_key
from nmt.corpus.store import Store
from nmt.corpus.workers import available_processors
from nmt.errors import DataError
from nmt.io.atomic_files import new_directory
from nmt.io.streams import read_lines
from nmt.tokenization.tags import with_tags
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import TrainedTokenizer, train_tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.prepared_elsewhere import prepared_elsewhere
from nmt.training.progress import count_until_stopped
from nmt.training.signals import StopRequest

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def corpus_files(config: Config, tick: Callable[[], None] = lambda: None) -> CorpusFiles:
    """Returns the training files, checked together with those of the validation; what `tick` raises ends the work.

    Raises InputFileError if one cannot be read, and DataError if two that belong together differ in numbers of lines.
    """
    every = CorpusFiles.from_config(*config.data.train, *config.data.validation)
    every.check_present()
    every.check_line_counts(tick)
    return CorpusFiles.from_config(*config.data.train)


def train_tokenizers(config: Config, run: Path, files: CorpusFiles, stop: StopRequest) -> Tokenizers:
    """Trains the tokenizers, or takes existing ones; the run keeps them while nothing they depend on changes."""
    folder = run / TOKENIZER
    fingerprint = _tokenizer_fingerprint(config, files, stop)
    source_model, target_model = config.tokenizer.source_model, config.tokenizer.target_model
    origins: dict[str, tuple[str | None, tuple[int, ...]]]
    if config.tokenizer.shared:
        origins = {SHARED_TOKENIZER: (source_model, (0, 1))}
    else:
        origins = {SOURCE_TOKENIZER: (source_model, (0,)), TARGET_TOKENIZER: (target_model, (1,))}
    models = read_tokenizer_folder(folder, list(origins), fingerprint)
    found = None if models else _tokenizers_elsewhere(config, run, list(origins), fingerprint)
    if models is not None:
        logger.info("tokenizer: unchanged")
    elif found is not None:
        models, place = found
        logger.info("tokenizer: that of %s, which is of the same text", place)
        _keep(models, folder, fingerprint)
    else:
        models = {name: _model(config, name, *origin, stop) for name, origin in origins.items()}
        first = next(iter(models))  # of the source, or of both
        models[first] = with_tags(models[first], distinct_tags(config.data.train))
        _keep(models, folder, fingerprint)
    return tokenizers_from_files(models, folder)


def _tokenizers_elsewhere(
    config: Config, run: Path, names: Sequence[str], fingerprint: str
) -> tuple[dict[str, bytes], Path] | None:
    """Returns the models with this fingerprint that another run has, and their folder."""
    for place in prepared_elsewhere(run, config.data.prepared):
        models = read_tokenizer_folder(place / TOKENIZER, names, fingerprint)
        if models is not None:
            return models, place / TOKENIZER
    return None


def _keep(models: Mapping[str, bytes], folder: Path, fingerprint: str) -> None:
    with new_directory(folder, replace=True) as partial:
        write_tokenizer_folder(partial, models, fingerprint)


def keep_tokenizers(run: Path, tokenizers: Tokenizers, identity: str, tags: Sequence[str] = ()) -> Tokenizers:
    """Has a run keep the tokenizers of the model that it goes on from, of this identity; returns them with the tags."""
    new = [tag for tag in tags if tag not in tokenizers.source.tags]
    tokenizers = tokenizers.with_tags(tags)
    _keep(tokenizer_files(tokenizers), run / TOKENIZER, identity)
    logger.info("tokenizer: that of the model%s", f", with {', '.join(new)} as new tags" if new else "")
    return tokenizers


def read_trained_tokenizers(run: Path) -> Tokenizers:
    """Reads the tokenizers that `train_tokenizers` left in a run; raises ModelError if they are absent or damaged."""
    folder = run / TOKENIZER
    names = sorted(name for name in TOKENIZER_FILES if (folder / name).is_file())
    return tokenizers_from_files({name: read_regular_file(folder / name) for name in names}, folder)


def _tokenizer_fingerprint(config: Config, files: CorpusFiles, stop: StopRequest) -> str:
    """Hashes all that the tokenizers are made from."""
    existing = [path for path in (config.tokenizer.source_model, config.tokenizer.target_model) if path]
    parts = [config.tokenizer.model_dump_json(), str(config.seed)]
    parts += [text_digest(path, stop.check) for path in chain(files.source, files.target, existing)]
    sets = config.data.train
    if any(files.columns) or any(one.weight != 1 or one.tag is not None for one in sets):
        of_sets = [(len(one.paths[0]), one.columns, one.weight, one.tag) for one in sets]
        parts.append(json.dumps([files.columns, of_sets]))
    return hashlib.blake2b("\n".join(parts).encode()).hexdigest()


def _model(config: Config, name: str, existing: str | None, sides: Sequence[int], stop: StopRequest) -> bytes:
    """Returns the model for a tokenizer's file: an existing one, or one trained on one or both sides of the corpora."""
    if existing is not None:
        return Tokenizer.load(existing).model
    sets = config.data.train
    paths = dict.fromkeys(path for side in sides for one in sets for path in one.paths[side])
    logger.info("tokenizer: training %s on %s", config.tokenizer.kind, ", ".join(paths))

    largest = min(1.0, max(one.weight for one in sets))  # small weights are shares, and no reason for less text

    def lines(side: int) -> Iterator[str]:
        for number, one in enumerate(sets):
            key = derive_key("tokenizer", config.seed, number)
            for line in weighted(_texts(one, side), one.weight / largest, key):
                stop.check()
                yield line

    trained = train_on_texts(config, name, list(map(lines, sides)), stop)
    if trained.warning:
        logger.warning("tokenizer: %s", trained.warning)
    return trained.model


def weighted(texts: Iterable[str], weight: float, seed: int) -> Iterator[str]:
    """Yields each text as often as an epoch has it: `weight` times, and the fraction of that with its probability."""
    generator, times = random.Random(seed), int(weight)
    for text in texts:
        for _ in range(times + (weight > times and generator.random() < weight - times)):
            yield text


def _texts(files: ParallelFiles, side: int) -> Iterator[str]:
    """Yields the lines of one side; reading the pairs will give the same warnings, and tell of columns that lack."""
    for path in files.paths[side]:
        for line in read_lines(path, warn=lambda _: None):
            texts = texts_of(line, files.columns) if files.pairs else None
            yield line.text if texts is None else texts[side]


def train_on_texts(config: Config, name: str, texts: Sequence[Iterable[str]], stop: StopRequest) -> TrainedTokenizer:
    """Trains the tokenizer that a configuration asks for under the name of a file, on the lines of the texts.

    The texts are those of the source and the target for `shared.model`, and one of them for the others.

    Raises DataError if there is nothing to train on, and StoppedError once a signal has come.
    """
    options = config.tokenizer
    rule = options.target_normalization if name == TARGET_TOKENIZER else options.normalization
    target_rule = rule if name == SOURCE_TOKENIZER else options.target_normalization
    return _in_thread(
        lambda: train_tokenizer(
            *texts,
            kind=options.kind,
            vocabulary_size=options.vocabulary_size,
            character_coverage=options.character_coverage,
            byte_fallback=options.byte_fallback,
            normalization=rule,
            target_normalization=target_rule,
            training_lines=options.training_lines,
            seed=config.seed,
        ),
        stop,
    )


def _in_thread(work: Callable[[], Result], stop: StopRequest) -> Result:
    """Runs long work that does not respond to signals in a thread, so that a signal can end the program meanwhile."""
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # handed over to the thread that waits
            outcome.set_exception(error)

    threading.Thread(target=run, name="tokenizer", daemon=True).start()
    while True:
        wait([outcome], timeout=0.2)
        if outcome.done():
            return outcome.result()
        stop.check()


def prepare_corpus(
    config: Config,
    run: Path,
    files: CorpusFiles,
    tokenizers: Tokenizers,
    stop: StopRequest,
    *,
    quiet: bool,
    expected: str | None = None,
) -> Store:
    """Turns the training files into a store in the run directory, unless it is there already.

    A resumed training gives the fingerprint `expected`, of the corpus that it began with. Raises DataError if this one
    is another, or cannot be used; a store that is there was left alone.
    """
    pair_filter = pair_filter_from_config(config)
    fingerprint = corpus_fingerprint(files, tokenizers, pair_filter, tick=stop.check)
    if expected is not None:
        check_fingerprint(files, fingerprint, expected)
    with count_until_stopped("tokenising", "pairs", stop, quiet=quiet) as show:
        store = build_corpus(
            run / CORPUS,
            files,
            tokenizers,
            pair_filter,
            processes=available_processors(),
            progress=show,
            warn=logger.warning,
            fingerprint=fingerprint,
            elsewhere=(place / CORPUS for place in prepared_elsewhere(run, config.data.prepared)),
        )
    for line in store.report.lines():
        logger.info("training corpus: %s", line)
    _log_mixture(config, store, tokenizers)
    return store


def _log_mixture(config: Config, store: Store, tokenizers: Tokenizers) -> None:
    """Says what an epoch draws of each corpus, where that is more than each pair once."""
    sets = config.data.train
    if len(sets) == 1 and sets[0].weight == 1 and sets[0].tag is None:
        return
    mixture = Mixture.from_config(sets, store.report.by_file, tokenizers.source)
    for one, part in zip(sets, mixture.parts, strict=True):
        name, tag = one.paths[0][0], f"{one.tag}, " if one.tag else ""
        share = float(100 * part.weight * part.pairs / mixture.pairs)
        what = f"{tag}{part.pairs:,} pairs by {one.weight:g}, {share:.3g} % of an epoch"
        logger.log(logging.INFO if part.pairs else logging.WARNING, "training corpus: %s: %s", name, what)


def pair_filter_from_config(config: Config) -> PairFilter:
    """Returns the filter for the pairs that a configuration keeps."""
    return PairFilter(config.data.max_length, config.data.max_length_ratio, config.data.drop_duplicates)


def check_fingerprint(files: CorpusFiles, fingerprint: str, expected: str) -> None:
    """Raises DataError unless a corpus is the one that a training began with, by their fingerprints."""
    if fingerprint != expected:
        where = ", ".join(files.paths)
        raise DataError(where, "changed since this run began; --restart begins anew with them")
