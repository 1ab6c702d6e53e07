"""Constraints on several keys together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, get_args

from nmt.config.parallel_files import ParallelFiles, distinct_tags
from nmt.config.sections import (
    DataConfig,
    ModelConfig,
    SearchConfig,
    TieEmbeddings,
    TokenizerConfig,
    TrainingConfig,
)
from nmt.config.types import Freezable

LIMITS = ("max_epochs", "max_steps", "max_minutes")
"""Keys of `training` that end it wherever the learning rate is by then."""


class Conflict(NamedTuple):
    """Keys whose values contradict each other, the first of which is reported."""

    keys: tuple[str, ...]
    what: str


def widest_tie(tokenizer: TokenizerConfig, model: ModelConfig) -> TieEmbeddings:
    """Returns the widest sharing of embeddings that vocabularies and sizes allow."""
    if model.readout_size == model.embedding_size:
        return "all" if tokenizer.shared else "output"
    return "inputs" if tokenizer.shared else "none"


def data_conflicts(data: DataConfig, training: TrainingConfig) -> Iterator[Conflict]:
    """Finds conflicts between the keys of `data`, and of its tags with going on from a model, which may know others."""
    sets = {f"data.train.{place}": files for place, files in enumerate(data.train)}
    held_out = {f"data.validation.{place}": files for place, files in enumerate(data.validation)}
    held_out |= {} if data.test is None else {"data.test": data.test}
    for key, files in (sets | held_out).items():
        yield from _file_conflicts(key, files)
    known = distinct_tags(data.train)
    for key, files in held_out.items():
        if files.tag is not None and files.tag not in known and training.initialize_from is None:
            expected = f"expected one of {', '.join(known)}" if known else "none of the training corpora has one"
            yield Conflict((f"{key}.tag", "data.train"), f"{files.tag} is no tag of data.train; {expected}")


def _file_conflicts(key: str, files: ParallelFiles) -> Iterator[Conflict]:
    source, target, pairs = (f"{key}.{name}" for name in ("source", "target", "pairs"))
    if files.pairs is not None:
        for name, paths in ((source, files.source), (target, files.target)):
            if paths is not None:
                yield Conflict((name, pairs), "stands beside pairs, which hold both sides; expected one of them")
        return
    for name, paths in ((source, files.source), (target, files.target)):
        if paths is None:
            yield Conflict((name,), "missing; expected a path or a list of paths")
    if files.source is not None and files.target is not None and len(files.source) != len(files.target):
        set_name = key.rstrip(".0123456789")
        what = f"expected as many files as {set_name}.source has ({len(files.source)}), got {len(files.target)}"
        yield Conflict((target, source), what)


def tokenizer_conflicts(tokenizer: TokenizerConfig) -> Iterator[Conflict]:
    """Finds conflicts between the keys of `tokenizer`."""
    source, target = "tokenizer.source_model", "tokenizer.target_model"
    if tokenizer.shared and tokenizer.target_model is not None:
        yield Conflict((target, "tokenizer.shared"), f"a shared vocabulary has one model, named by {source}")
    if not tokenizer.shared and (tokenizer.source_model is None) != (tokenizer.target_model is None):
        given, absent = (source, target) if tokenizer.target_model is None else (target, source)
        yield Conflict((given, absent, "tokenizer.shared"), f"needs {absent} beside it while tokenizer.shared is false")
    alpha, own = tokenizer.subword_regularization, tokenizer.source_model is None
    keys = ("tokenizer.subword_regularization", "tokenizer.kind", source)
    if own and alpha > 0 and tokenizer.kind in ("char", "word"):
        yield Conflict(keys, f"a {tokenizer.kind} tokenizer has one segmentation only; expected 0, got {alpha}")
    if own and alpha > 1 and tokenizer.kind == "bpe":
        yield Conflict(keys, f"with bpe it is a probability; expected at most 1, got {alpha}")


def model_conflicts(tokenizer: TokenizerConfig, model: ModelConfig) -> Iterator[Conflict]:
    """Finds conflicts between the keys of `model`, and with those of `tokenizer`."""
    tie = model.tie_embeddings
    if tie in ("all", "inputs") and not tokenizer.shared:
        yield Conflict(("model.tie_embeddings", "tokenizer.shared"), f"{tie} needs tokenizer.shared: true")
    if tie in ("all", "output") and model.readout_size != model.embedding_size:
        sizes = f"model.readout_size ({model.readout_size}) equal to model.embedding_size ({model.embedding_size})"
        yield Conflict(("model.tie_embeddings", "model.readout_size", "model.embedding_size"), f"{tie} needs {sizes}")
    encoder, decoder = model.encoder.hidden_size, model.decoder.hidden_size
    if model.attention == "dot" and decoder != 2 * encoder:
        yield Conflict(
            ("model.attention", "model.encoder.hidden_size", "model.decoder.hidden_size"),
            f"dot needs model.decoder.hidden_size ({decoder}) equal to twice model.encoder.hidden_size ({encoder})",
        )


def training_conflicts(model: ModelConfig, training: TrainingConfig) -> Iterator[Conflict]:
    """Finds conflicts between the keys of `training`, and with those of `model`."""
    if training.weight_decay > 0 and training.optimizer == "adam":
        what = f"needs training.optimizer: adamw; expected 0 with adam, got {training.weight_decay}"
        yield Conflict(("training.weight_decay", "training.optimizer"), what)
    of_attention = {"attention"} if model.attention in ("dot", "none") else set()  # which has nothing to learn
    if not {*get_args(Freezable)} - {*training.freeze} - of_attention:
        keys = ("training.freeze", *(["model.attention"] if of_attention else []))
        yield Conflict(keys, "nothing is left to learn; expected fewer parts")
    schedule_conflicts = list(_schedule_conflicts(training))
    yield from schedule_conflicts
    if training.minimum_learning_rate > training.learning_rate:
        rate, least = training.learning_rate, training.minimum_learning_rate
        what = f"expected at most training.learning_rate ({rate}), got {least}"
        yield Conflict(("training.minimum_learning_rate", "training.learning_rate"), what)
    names = (*LIMITS, "patience")
    if not schedule_conflicts and all(getattr(training, name) is None for name in names):
        keys = tuple(f"training.{name}" for name in names)
        yield Conflict(keys, f"nothing ends the training; expected one of {', '.join(names)}")


def _schedule_conflicts(training: TrainingConfig) -> Iterator[Conflict]:
    """Finds conflicts between the keys of the schedule, and with the limits that it ends at."""
    ratio = "training.warmup_ratio"
    if training.warmup_ratio is not None and training.warmup_steps:
        what = f"stands in place of training.warmup_steps; expected null beside {training.warmup_steps} steps"
        yield Conflict((ratio, "training.warmup_steps"), what)
    limits = tuple(f"training.{name}" for name in LIMITS)
    if all(getattr(training, name) is None for name in LIMITS):
        if training.schedule == "cosine":
            yield Conflict(("training.schedule", *limits), f"cosine needs one of {', '.join(limits)}")
        elif training.warmup_ratio is not None:
            yield Conflict((ratio, *limits), f"is a share of the training, which needs one of {', '.join(limits)}")


def guidance_conflicts(tokenizer: TokenizerConfig, model: ModelConfig, training: TrainingConfig) -> Iterator[Conflict]:
    """Finds conflicts of `training.guided_alignment` with the keys of `tokenizer` and `model`."""
    key, weight = "training.guided_alignment", training.guided_alignment
    if weight > 0 and model.attention == "none":
        what = f"needs attention; expected 0 while model.attention is none, got {weight}"
        yield Conflict((key, "model.attention"), what)
    if weight > 0 and tokenizer.subword_regularization > 0:
        what = (
            "links the tokens of one segmentation; expected 0 while tokenizer.subword_regularization is "
            f"{tokenizer.subword_regularization}, got {weight}"
        )
        yield Conflict((key, "tokenizer.subword_regularization"), what)


def search_conflicts(model: ModelConfig, search: SearchConfig) -> Iterator[Conflict]:
    """Finds conflicts between the keys of `search`, and with those of `model`."""
    if search.coverage_penalty > 0 and model.attention == "none":
        what = f"needs attention; expected 0 while model.attention is none, got {search.coverage_penalty}"
        yield Conflict(("search.coverage_penalty", "model.attention"), what)
