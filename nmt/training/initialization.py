"""Going on from another model: its architecture, its tokenizers and its weights begin a new training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nmt.checkpoint.checkpoint import INITIALIZED_FROM, Checkpoint
from nmt.checkpoint.loading import ModelBundle, open_model, read_outline
from nmt.checkpoint.run_directory import use_model
from nmt.config import Config, from_yaml
from nmt.config.constraints import widest_tie
from nmt.config.yaml12 import flow
from nmt.errors import ConfigError
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.job import TrainingJob

KEY = "training.initialize_from"

_REGULARIZATION = "dropout", "variational_dropout", "word_dropout"
_SOURCE, _TARGET, _OUTPUT = "source_embedding.weight", "target_embedding.weight", "output_embedding.weight"
_SIDES = {_SOURCE: 0, _TARGET: 1, _OUTPUT: 1}
_FREEZABLE = {
    "embeddings": (_SOURCE, _TARGET, _OUTPUT),
    "encoder": ("encoder.",),
    "attention": ("decoder.attention.",),
    "decoder": ("decoder.",),
}

logger = logging.getLogger(__name__)


class Initialized(NamedTuple):
    """What a model took over from another one."""

    kept: int  # tensors taken over, whole or in part
    new: list[str]  # names of tensors that have nothing of the other model
    pieces: list[tuple[int, int]]  # for each table of embeddings, rows taken over and rows in all


def open_origin(config: Config, run: Path, *, outline: bool = False) -> ModelBundle | None:
    """Reads the model that a training goes on from, or all but its weights; None if it begins from nothing.

    Raises:
        ConfigError: it is the run itself.
        ModelError, UnreadableError: there is no model, or it is damaged, or may not be read.
    """
    if config.training.initialize_from is None:
        return None
    path = Path(config.training.initialize_from)
    if run.resolve() in (path.resolve(), *path.resolve().parents):
        raise ConfigError(KEY, f"{path} is this run itself, which goes on by the same command without it")
    if outline:
        return use_model(path, logger.warning, read_outline, verify_first=True)
    return open_model(path, logger.warning, torch.device("cpu"))


def inherited(config: Config, origin: Config) -> Config:
    """Returns the configuration with the architecture of another, and its tokenizer unless that is to be made anew.

    Without `training.initialize_from` it is unchanged. What is only of the training, such as dropout, is its own.
    """
    if config.training.initialize_from is None:
        return config
    model = origin.model.model_copy(update={name: getattr(config.model, name) for name in _REGULARIZATION})
    tokenizer = origin.tokenizer if config.training.initialize_tokenizers else config.tokenizer
    if not tokenizer.shared and model.tie_embeddings in ("all", "inputs"):
        model = model.model_copy(update={"tie_embeddings": widest_tie(tokenizer, model)})
    taken = config.model_copy(update={"model": model, "tokenizer": tokenizer})
    return from_yaml(taken.as_yaml(), KEY)  # which finds what now contradicts another key


def _differences(config: Config, taken: Config) -> str | None:
    """Says which sizes of the network are those of the other model, and not of the configuration; None if all agree."""
    own, other = config.model.model_dump(), taken.model.model_dump()
    parts = [f"{name} {flow(other[name])}" for name in own if own[name] != other[name]]
    what = f"the network is that of {config.training.initialize_from}, whatever the section `model` says"
    return f"{what}: {', '.join(parts)}" if parts else None


def unsuited_tokenizers(config: Config, origin: Config) -> str | None:
    """Says that the tokenizers of the other model, which would be taken, are those of the other direction; None if not.

    A training may go on to other languages on purpose, which is none of a program's business.
    """
    own, other = ((data.source_language, data.target_language) for data in (config.data, origin.data))
    if origin.tokenizer.shared or not config.training.initialize_tokenizers or own[0] == own[1] or own != other[::-1]:
        return None
    what = "its tokenizers read {} and write {}, which is the other direction".format(*other)
    return f"{what}; training.initialize_tokenizers=false makes new ones"


def inheriting(job: TrainingJob, checkpoint: Checkpoint | None, origin: ModelBundle | None) -> TrainingJob:
    """Returns the job with what it inherits from the model that its training goes on, or went on, from."""
    before = checkpoint.config if checkpoint else origin.config if origin else None
    if before is None:
        return job
    taken = inherited(job.config, before)
    if checkpoint is None:
        if what := _differences(job.config, taken):
            logger.info("model: %s", what)
        if what := unsuited_tokenizers(job.config, before):
            logger.warning("%s: %s", KEY, what)
    return replace(job, config=taken)


def initialized_from(checkpoint: Checkpoint | None, origin: ModelBundle | None) -> Mapping[str, object] | None:
    """Returns what checkpoints are to tell of the model that a training goes on, or went on, from."""
    if checkpoint is not None:
        found = checkpoint.summary.get(INITIALIZED_FROM)
        return found if isinstance(found, dict) else None
    return None if origin is None else origin.origin


def log_initialized(origin: ModelBundle, done: Initialized, frozen: Sequence[str]) -> None:
    """Says what was taken over, what was made new, and what of that is `frozen` and never learns."""
    tables = "".join(f", {kept:,} of {rows:,} embeddings" for kept, rows in done.pieces)
    new = f"; new: {', '.join(done.new)}" if done.new else ""
    total = done.kept + len(done.new)
    logger.info("weights: %d of %d tensors%s taken from %s%s", done.kept, total, tables, origin.directory, new)
    drawn = max((rows - kept for kept, rows in done.pieces), default=0)
    if "embeddings" in frozen and drawn:
        logger.warning("training.freeze: %s embeddings are new, and stay as they were drawn", f"{drawn:,}")


@torch.no_grad()
def initialize(model: Seq2Seq, tokenizers: Tokenizers, origin: ModelBundle) -> Initialized:
    """Copies the weights that fit by name and shape, and the embeddings of pieces that both vocabularies have."""
    weights = origin.model.state_dict()
    same = tokenizers.models == origin.tokenizers.models
    kept, new, pieces = 0, [], []
    for name, parameter in model.named_parameters():
        found = weights.get(name)
        if name in _SIDES and not same:
            count = _copy_rows(name, parameter, model, tokenizers, weights, origin.tokenizers)
            pieces.append((count, len(parameter)))
            is_kept = count > 0
        else:
            is_kept = found is not None and found.shape == parameter.shape
            if is_kept and found is not None:
                parameter.copy_(found)
        kept += is_kept
        if not is_kept:
            new.append(name)
    return Initialized(kept, new, pieces)


def _copy_rows(
    name: str,
    table: nn.Parameter,
    model: Seq2Seq,
    tokenizers: Tokenizers,
    weights: Mapping[str, Tensor],
    origin: Tokenizers,
) -> int:
    """Copies the rows of a table whose pieces a table of the other model has; returns their number.

    A table of both languages takes those rows from the source's table first that the target's lacks.
    """
    serves_both = model.source_embedding is model.target_embedding and name == _SOURCE
    places: dict[int, Tensor] = {}
    for other in (_TARGET, _SOURCE) if serves_both else (name,):
        if other in weights and weights[other].shape[1] == table.shape[1]:
            rows = _rows(origin[_SIDES[other]])
            for token, piece in _spellings(tokenizers[_SIDES[other]]):
                if token not in places and piece in rows:
                    places[token] = weights[other][rows[piece]]
    if places:
        table[list(places)] = torch.stack(list(places.values()))
    return len(places)


def _spellings(tokenizer: Tokenizer) -> list[tuple[int, str]]:
    """Lists each id with its piece; the marks by their roles, since models spell them differently."""
    special = tokenizer.special
    roles = {special.pad: "\0pad", special.bos: "\0bos", special.eos: "\0eos", special.unk: "\0unk"}
    return [(token, roles.get(token) or tokenizer.piece(token)) for token in range(tokenizer.size)]


def _rows(tokenizer: Tokenizer) -> dict[str, int]:
    return {piece: token for token, piece in reversed(_spellings(tokenizer))}


def freeze(model: nn.Module, parts: Sequence[str]) -> int:
    """Excludes the parameters of some parts from learning; returns how many numbers they have.

    `attention` is a part of its own, and no part of `decoder`.
    """
    frozen = 0
    for name, parameter in model.named_parameters():
        of = next((part for part, names in _FREEZABLE.items() if name.startswith(names)), None)
        if of in parts:
            parameter.requires_grad_(False)
            frozen += parameter.numel()
    return frozen
