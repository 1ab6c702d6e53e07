"""Checkpoints and exported models: saving them whole, and loading nothing that was damaged or tampered with.

Weights and optimizer state are safetensors, which hold numbers only; the rest is JSON, YAML and SentencePiece models.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from nmt.checkpoint import layout
from nmt.checkpoint.manifest import read_file, read_manifest, write_checksummed
from nmt.checkpoint.model_files import read_config, read_tokenizer_models
from nmt.checkpoint.run_directory import checkpoint_name, prune, set_pointer
from nmt.checkpoint.tensors import encode_tensors, non_finite, read_tensors
from nmt.checkpoint.tokenizer_folder import tokenizers_from_files
from nmt.checkpoint.training_state import TrainingState, read_state
from nmt.config import Config, from_yaml
from nmt.errors import ConfigError, NonFiniteError, StorageError
from nmt.io.atomic_files import make_directory, remove
from nmt.io.strict_json import encode_json
from nmt.io.system_files import entries
from nmt.tokenization.tokenizers import Tokenizers

INITIALIZED_FROM = "initialized_from"
"""The fact in a summary that tells which model a training went on from: its name, step and SHA-256."""


@dataclass(frozen=True)
class CheckpointContents:
    """The contents of a checkpoint that is to be saved."""

    weights: Mapping[str, torch.Tensor]  # of the model, each once: those that share memory under one name only
    optimizer: Mapping[str, torch.Tensor]  # that training needs to go on: moments, averages
    state: Mapping[str, object]  # everything else that training needs to go on, as JSON values
    config: str  # as resolved, as YAML
    tokenizers: Mapping[str, bytes]  # SentencePiece models: `shared.model`, or `source.model` and `target.model`
    summary: Mapping[str, object]  # facts about the model, as JSON values (step, scores); an exported model keeps it


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as training goes on from it, verified; see `CheckpointContents`."""

    directory: Path  # that it was read from, which errors name
    weights: Mapping[str, torch.Tensor]  # on the CPU
    optimizer: Mapping[str, torch.Tensor]
    # Contents of files, of which `config`, `tokenizers` and `state` are made.
    config_yaml: str
    tokenizer_models: Mapping[str, bytes]
    state_values: Mapping[str, object]
    summary: Mapping[str, object]

    @cached_property
    def config(self) -> Config:
        """The configuration of the training. Raises ConfigError if this program cannot use it."""
        return from_yaml(self.config_yaml, str(self.directory / layout.CONFIG))

    @cached_property
    def tokenizers(self) -> Tokenizers:
        """The tokenizers of source and target. Raises ModelError if one is not a SentencePiece model."""
        return tokenizers_from_files(self.tokenizer_models, self.directory)

    @property
    def state(self) -> TrainingState:
        """The state of the training. Raises ModelError if it is not one of this version."""
        return TrainingState.from_json(self.state_values, self.directory / layout.STATE)


def save_checkpoint(
    run: Path, step: int, contents: CheckpointContents, check: Callable[[], None] = lambda: None
) -> Path:
    """Saves a checkpoint into the run directory, all of it or nothing, and returns its directory.

    A checkpoint of the same step is replaced, or left alone when it holds the same already. The caller then points to
    the new one as last or best: until that is done, the run goes on from the one before. `check` is called when all is
    written, and what it raises leaves everything as it was.

    Raises:
        NonFiniteError: a tensor holds NaN or an infinity; nothing was written.
        StorageError: it cannot be written; what was saved before is untouched.
    """
    directory = run / layout.CHECKPOINTS / checkpoint_name(step)
    for tensors in (contents.weights, contents.optimizer):
        if (name := non_finite(tensors)) is not None:
            raise NonFiniteError(str(directory), f"not saved: {name} holds NaN or an infinity")
    files = {
        layout.WEIGHTS: encode_tensors(contents.weights),
        layout.OPTIMIZER: encode_tensors(contents.optimizer),
        layout.STATE: encode_json(dict(contents.state)),
        layout.CONFIG: contents.config.encode(),
        **contents.tokenizers,
    }
    make_directory(directory.parent)
    write_checksummed(directory, files, contents.summary, replace=True, check=check)
    return directory


def save_with_pointers(
    run: Path,
    step: int,
    contents: CheckpointContents,
    *,
    is_best: bool,
    keep: int,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Saves a checkpoint, then points to it as the last and, if it is, the best, then removes old ones.

    `keep` others stay. A process that is killed at any moment of this leaves the checkpoint before it, or this one, as
    the last. `check` raises if the run is not this process's to write any more; it is asked once the checkpoint is
    written, before that has its name, and again before the pointers change. Raises as `save_checkpoint`, and
    StorageError, too, if an old checkpoint cannot be removed.
    """
    checkpoint = save_checkpoint(run, step, contents, check)
    check()
    if is_best:
        set_pointer(run, layout.BEST, checkpoint.name)
    set_pointer(run, layout.LAST, checkpoint.name)
    prune(run, keep)


def add_shortlist(checkpoint: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Puts the table of a shortlist into a checkpoint, and replaces one that is there; all of it or nothing.

    Raises ModelError if the checkpoint is damaged, and StorageError if it cannot be written.
    """
    manifest = read_manifest(checkpoint)
    files = {name: read_file(checkpoint, name, manifest) for name in manifest.files}
    write_checksummed(checkpoint, files | {layout.SHORTLIST: encode_tensors(tensors)}, manifest.summary, replace=True)


def export_model(checkpoint: Path, directory: Path, card: str) -> None:
    """Writes the files of a checkpoint that translation needs, and a model card, as a directory to hand to somebody.

    Raises:
        ConfigError: `directory` exists and is not an empty directory.
        ModelError: the checkpoint is damaged.
        StorageError: `directory` cannot be written.
    """
    manifest = read_manifest(checkpoint)
    files = {name: read_file(checkpoint, name, manifest) for name in manifest.files.keys() - layout.TRAINING_FILES}
    write_model(directory, files, manifest.summary, card)


def write_model(
    directory: Path, files: Mapping[str, bytes], summary: Mapping[str, object], card: str | None = None
) -> None:
    """Writes the files of a model as a directory of its own; raises as `export_model` does, but ModelError."""
    # A temporary directory cannot be renamed onto a link, even if that leads to an empty directory.
    final = directory.resolve()
    if os.path.lexists(final) and not _is_empty_directory(final):
        raise ConfigError(str(directory), "exists already; expected a new or empty directory")
    for path in list(final.iterdir()) if final.is_dir() else []:  # files of the system alone
        remove(path)
    make_directory(final.parent)
    unlisted = {} if card is None else {layout.CARD: card.encode()}
    write_checksummed(final, files, summary, replace=False, unlisted=unlisted)


def _is_empty_directory(path: Path) -> bool:
    try:
        return path.is_dir() and not entries(path)
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error


def load_checkpoint(directory: Path) -> Checkpoint:
    """Loads all that training resumes from; each file is read once, and checked against the manifest.

    Raises ModelError if a file is missing, damaged or tampered with, or a tensor holds NaN or an infinity.
    """
    manifest = read_manifest(directory)
    weights = read_tensors(directory, layout.WEIGHTS, manifest)
    config = read_config(directory, manifest)
    tokenizers = read_tokenizer_models(directory, manifest)
    optimizer = read_tensors(directory, layout.OPTIMIZER, manifest)
    state = read_state(directory, manifest)
    if layout.SHORTLIST in manifest.files:
        # Training does not need it, but a checkpoint with a damaged shortlist is not whole.
        read_file(directory, layout.SHORTLIST, manifest)
    return Checkpoint(directory, weights, optimizer, config, tokenizers, state, manifest.summary)
