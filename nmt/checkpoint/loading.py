"""From the files of a checkpoint or exported model to its configuration, tokenizers and model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from nmt.build import outline_model
from nmt.checkpoint.checkpoint import Description, check_tensors, describe, load_checkpoint
from nmt.checkpoint.manifest import CONFIG, SHARED_TOKENIZER, SHORTLIST, SOURCE_TOKENIZER, TARGET_TOKENIZER, WEIGHTS
from nmt.config import Config, from_yaml
from nmt.errors import ConfigError, ModelError
from nmt.model.seq2seq import Seq2Seq
from nmt.search.shortlist import Shortlist
from nmt.tokenization.tokenizer import Tokenizer

logger = logging.getLogger(__name__)


class Parts(NamedTuple):
    """What a model directory holds; with `read_parts`, `model` lies on the meta device and `shortlist` is None."""

    description: Description
    config: Config
    source: Tokenizer
    target: Tokenizer
    model: Seq2Seq
    shortlist: Shortlist | None = None


def read_parts(directory: Path) -> Parts:
    """Everything but the weights, which are known to fit when this returns.

    Raises:
        ModelError: a file is missing, damaged or tampered with, or does not fit the others.
    """
    description = describe(directory)
    try:
        config = from_yaml(description.config, str(directory / CONFIG))
    except ConfigError as error:
        raise ModelError.from_problems(error.problems) from error
    if config.tokenizer.shared is not (SHARED_TOKENIZER in description.tokenizers):
        found = ", ".join(sorted(description.tokenizers))
        what = f"tokenizer.shared is {str(config.tokenizer.shared).lower()}, which does not fit {found}"
        raise ModelError(str(directory / CONFIG), what)
    source, target = read_tokenizers(description.tokenizers, directory)
    model = outline_model(config.model, source.size, target.size)
    check_tensors(description.tensors, dict(model.named_parameters()), directory / WEIGHTS)
    return Parts(description, config, source, target, model)


def load_parts(directory: Path, device: torch.device) -> Parts:
    """Everything, the model on `device`, to translate with.

    Raises:
        ModelError: a file is missing, damaged or tampered with, or does not fit the others.
    """
    parts = read_parts(directory)
    loaded = load_checkpoint(directory, with_optimizer=False, device=device)
    logger.debug("model: read from %s", directory)
    parts.model.load_state_dict(dict(loaded.weights), strict=False, assign=True)
    parts.model.eval().requires_grad_(False)
    if not loaded.shortlist:
        return parts
    where = directory / SHORTLIST
    return parts._replace(shortlist=Shortlist.of_tensors(loaded.shortlist, parts.source.size, parts.target.size, where))


def read_tokenizers(models: Mapping[str, bytes], directory: Path) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizers of source and target out of their files' contents; one and the same where they are shared.

    Raises:
        ModelError: a file is missing or no SentencePiece model.
    """
    if SHARED_TOKENIZER in models:
        shared = _tokenizer(models[SHARED_TOKENIZER], directory / SHARED_TOKENIZER)
        return shared, shared
    for name in (SOURCE_TOKENIZER, TARGET_TOKENIZER):
        if name not in models:
            raise ModelError(str(directory / name), "is missing")
    source = _tokenizer(models[SOURCE_TOKENIZER], directory / SOURCE_TOKENIZER)
    return source, _tokenizer(models[TARGET_TOKENIZER], directory / TARGET_TOKENIZER)


def _tokenizer(model: bytes, path: Path) -> Tokenizer:
    try:
        return Tokenizer(model)
    except ModelError as error:
        raise ModelError(str(path), error.problems[0].what) from error
