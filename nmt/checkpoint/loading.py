"""The verified read of a model: its description, its configuration, its tokenizers and its weights."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from nmt.build import outline_model
from nmt.checkpoint.layout import MODEL_FILES, SHORTLIST, TOKENIZER_FILES, WEIGHTS
from nmt.checkpoint.manifest import Manifest, read_manifest
from nmt.checkpoint.model_files import read_config_and_tokenizers
from nmt.checkpoint.run_directory import Warn, use_model
from nmt.checkpoint.tensors import TensorKind, check_tensors, read_tensors, tensor_kinds
from nmt.config import Config
from nmt.model.seq2seq import Seq2Seq
from nmt.search.shortlist import Shortlist
from nmt.tokenization.tokenizers import Tokenizers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelBundle:
    """All that a model directory holds for translation."""

    directory: Path  # the checkpoint or exported model that it was read from
    summary: Mapping[str, object]  # facts about the model, as JSON values
    config: Config  # that it was trained with
    tokenizers: Tokenizers
    tensors: Mapping[str, TensorKind]  # shapes and number types of the weights, by name
    model: Seq2Seq  # in evaluation mode; on the meta device if the weights were not read
    identity: str  # SHA-256 of weights, configuration and tokenizers; another model has another
    shortlist: Shortlist | None = None  # None if there is none, or the weights were not read

    @property
    def origin(self) -> dict[str, object]:
        """What the summary of a model that was made from this one tells of it; `step` is None if it does not say."""
        step = self.summary.get("step")  # a stranger's may be anything, and is not to spoil what is made of it
        return {"name": self.config.name, "step": step if type(step) is int else None, "sha256": self.identity}


def open_model(path: Path, warn: Warn, device: torch.device) -> ModelBundle:
    """Reads the model that the user means by MODEL, each file once, and puts its weights on a device.

    `path` and `warn` are those of `use_model`. Raises ModelError if there is no model, or a file is missing, damaged or
    tampered with, or does not fit the others.
    """
    return use_model(path, warn, lambda directory: _read_model(directory, device))


def _read_model(directory: Path, device: torch.device) -> ModelBundle:
    manifest = read_manifest(directory)
    # The outline shows what does not fit before a large file is read.
    outline = read_outline(directory, manifest)
    weights = read_tensors(directory, WEIGHTS, manifest)
    outline.model.load_state_dict({name: weights[name].to(device) for name in weights}, strict=False, assign=True)
    outline.model.eval().requires_grad_(False)
    shortlist = _read_shortlist(directory, manifest, outline.tokenizers)
    logger.debug("model: read from %s", directory)
    return replace(outline, shortlist=shortlist)


def read_outline(directory: Path, manifest: Manifest | None = None) -> ModelBundle:
    """Reads everything but the weights, of which it reads only names, shapes and types.

    Raises ModelError if a file is missing, damaged or tampered with, or does not fit the others.
    """
    manifest = manifest or read_manifest(directory)
    config, tokenizers = read_config_and_tokenizers(directory, manifest)
    tensors = tensor_kinds(directory / WEIGHTS, manifest.files[WEIGHTS].size)
    model = outline_model(config.model, tokenizers.source.size, tokenizers.target.size)
    check_tensors(tensors, dict(model.named_parameters()), directory / WEIGHTS)
    return ModelBundle(directory, manifest.summary, config, tokenizers, tensors, model, _identity(manifest))


def _identity(manifest: Manifest) -> str:
    names = sorted(manifest.files.keys() & (MODEL_FILES | TOKENIZER_FILES))
    return hashlib.sha256("\n".join(f"{name} {manifest.files[name].sha256}" for name in names).encode()).hexdigest()


def _read_shortlist(directory: Path, manifest: Manifest, tokenizers: Tokenizers) -> Shortlist | None:
    if SHORTLIST not in manifest.files:
        return None
    tensors = read_tensors(directory, SHORTLIST, manifest)
    source, target = tokenizers
    return Shortlist.from_tensors(tensors, source.size, target.size, directory / SHORTLIST) if tensors else None
