"""Resuming a training: what may differ from the configuration and the texts that it began with."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nmt.checkpoint.training_state import TrainingState
from nmt.config import CHANGEABLE, Config, changed_keys
from nmt.config.yaml12 import flow
from nmt.corpus.fingerprint import corpus_fingerprint, pairs_fingerprint
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.errors import ConfigError, DataError, Problem
from nmt.tokenization.tokenizer import Tokenizer
from nmt.training.preparation import check_fingerprint, corpus_files, pair_filter_from_config
from nmt.training.scoring import AUTO, DEFAULT_TOKENIZER, Scoring
from nmt.training.signals import StopRequest

if TYPE_CHECKING:  # it needs torch, and a check of the texts does not
    from nmt.checkpoint.checkpoint import Checkpoint

logger = logging.getLogger(__name__)

BEGIN_ANEW = "--restart begins anew"

# Of these files the content counts, and not where they lie: it is compared elsewhere.
_FILES = re.compile(r"data\.(train|validation)(\[\d+\])?\.(source|target|pairs)")
_TOKENIZERS = {"tokenizer.source_model": 0, "tokenizer.target_model": 1}
# Training never looks at the first. A validation searches by the second, a finished training no more.
_TEST, _SEARCH = "data.test", "search."
_ORIGIN = "training.initialize_from"
_ALIGNMENTS = "training.alignments"
_METRIC, _TOKENIZE = "training.early_stopping_metric", "training.validation_tokenize"


class ValidationPair(NamedTuple):
    """A pair of the validation, and the tag before its source."""

    source: str
    target: str
    tag: str | None = None


def finished_by(config: Config, state: TrainingState) -> str | None:
    """Returns the limit that a training in this state ended at; None while there is more to do."""
    return state.limit_reached(config.training) if state.validated_step == state.step else None


def how_to_go_on(config: Config, state: TrainingState) -> str:
    """Returns, of a finished training, the options with which it goes on, and the one with which it begins anew."""
    training = config.training
    used = {
        "max_steps": state.step,
        "max_epochs": state.position.epoch,
        "max_minutes": math.ceil(state.seconds / 60),
        "patience": state.validations_without_gain,
    }
    reached = {}
    for name, amount in used.items():
        alone = dict.fromkeys(used) | {name: getattr(training, name)}
        if state.limit_reached(training.model_copy(update=alone)) is not None:
            reached[name] = 2 * amount
    options = " ".join(f"--set training.{name}={amount}" for name, amount in reached.items())
    return f"{options} goes on, {BEGIN_ANEW}"


def check_unchanged(config: Config, checkpoint: Checkpoint) -> None:
    """Checks that no key differs from the configuration that the run began with, but those that may.

    These are limits and intervals, where files lie (their content is compared elsewhere), and what training does
    not look at: the test set and, once it is finished, the search.

    Raises:
        ConfigError: another key differs; it names each with both values.
        ModelError: a SentencePiece model is named by another path, and cannot be read there.
    """
    finished = finished_by(config, checkpoint.state) is not None
    problems, unused = [], []
    for key, before, after in changed_keys(checkpoint.config, config):
        if key == _TEST or key.startswith(f"{_TEST}.") or (finished and key.startswith(_SEARCH)):
            unused.append(key)
        elif key not in CHANGEABLE and not _FILES.fullmatch(key) and not _is_same(key, before, after, checkpoint):
            problems.append(
                Problem(key, f"was {flow(before)} when this run began, and is {flow(after)} now; {BEGIN_ANEW}")
            )
    if problems:
        raise ConfigError.from_problems(problems)
    if finished and unused:
        logger.info("%s: changed, but the model keeps what it was trained with", ", ".join(unused))


def _is_same(key: str, before: object, after: object, checkpoint: Checkpoint) -> bool:
    """Returns True if another value of a key means what the run does already."""
    if key in _TOKENIZERS and isinstance(after, str):
        return Tokenizer.load(after).model == checkpoint.tokenizers[_TOKENIZERS[key]].model
    if key == _ORIGIN:  # which gave all it had; but a run that began from nothing does not get another beginning
        return before is not None
    if key == _ALIGNMENTS:  # of files, the content counts; it is compared elsewhere
        return before is not None and after is not None
    scoring = began_with(checkpoint)
    now = {_METRIC: scoring.metric, _TOKENIZE: scoring.tokenize}
    # `auto` goes on with what was chosen, and what was chosen may be named.
    return key in now and (after == AUTO or (before == AUTO and after == now[key]))


def began_with(checkpoint: Checkpoint) -> Scoring:
    """Returns what the best score of a run is a score of."""
    state = checkpoint.state
    if not state.metric:  # of an earlier version, which had no `auto`
        metric = checkpoint.config.training.early_stopping_metric
        return Scoring("bleu" if metric == AUTO else metric, DEFAULT_TOKENIZER)
    return Scoring(state.metric, state.validation_tokenize)


def read_validation_pairs(config: Config) -> list[ValidationPair]:
    """Reads the pairs of the validation. Raises as `nmt.corpus.parallel.read_pairs` does."""
    sets = config.data.validation
    tags = [one.tag for one in sets for _ in one.paths[0]]  # of each file
    pairs = read_pairs(CorpusFiles.from_config(*sets), logger.warning)
    return [ValidationPair(pair.source, pair.target, tags[pair.file]) for pair in pairs]


def check_validation(config: Config, pairs: Sequence[ValidationPair], state: TrainingState) -> None:
    """Raises DataError unless the pairs are those of the validations so far: scores of two texts cannot be compared.

    A state that an earlier version saved does not tell.
    """
    if state.validation and pairs_fingerprint(pair[:2] for pair in pairs) != state.validation:
        where = ", ".join(CorpusFiles.from_config(*config.data.validation).paths)
        raise DataError(where, f"changed since this run began, and so would the meaning of its scores; {BEGIN_ANEW}")


def check_renamed_files(config: Config, checkpoint: Checkpoint, stop: StopRequest) -> None:
    """Checks the texts of a training that is finished, if they are named by other paths than they were.

    Raises DataError if they are other texts, and InputFileError if one cannot be read.
    """
    if not any(_FILES.fullmatch(key) for key, _, _ in changed_keys(checkpoint.config, config)):
        return
    files = corpus_files(config, stop.check)
    filters = pair_filter_from_config(config)
    fingerprint = corpus_fingerprint(files, checkpoint.tokenizers, filters, tick=stop.check)
    check_fingerprint(files, fingerprint, checkpoint.state.corpus)
    check_validation(config, read_validation_pairs(config), checkpoint.state)
