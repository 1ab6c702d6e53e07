"""Checkpoints and exported models: saving them whole, and loading nothing that was damaged or tampered with.

Weights and optimizer state are safetensors, which hold numbers only; the rest is JSON, YAML and SentencePiece models.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from nmt.checkpoint.manifest import (
    CONFIG,
    OPTIMIZER,
    SHORTLIST,
    STATE,
    TOKENIZER_FILES,
    TRAINING_FILES,
    WEIGHTS,
    Manifest,
    read_file,
    read_manifest,
    read_state,
    write_sealed,
)
from nmt.checkpoint.run_directory import CHECKPOINTS, checkpoint_name, mark, prune
from nmt.checkpoint.tensors import TensorKind, encode_tensors, non_finite, read_tensors, tensor_kinds
from nmt.errors import ConfigError, ModelError, NonFiniteError, StorageError
from nmt.io.atomic_files import make_directory
from nmt.io.strict_json import encode_json


class HasKind(Protocol):
    """What has a shape and a number type: a tensor, or a `TensorKind`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> torch.dtype: ...


@dataclass(frozen=True)
class CheckpointContents:
    """What a checkpoint is made of.

    Args:
        weights: the model's tensors by name, each once: those that share memory under one name only.
        optimizer: the tensors that training needs to go on: moments, averages, generator states.
        state: everything else that training needs to go on, as JSON values.
        config: the configuration as resolved, as YAML.
        tokenizers: SentencePiece models: `shared.model`, or `source.model` and `target.model`.
        summary: what to tell about the model, as JSON values (step, scores); it stays with an exported model.
    """

    weights: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, torch.Tensor]
    state: Mapping[str, object]
    config: str
    tokenizers: Mapping[str, bytes]
    summary: Mapping[str, object]


@dataclass(frozen=True)
class Description:
    """A checkpoint or exported model but for its numbers; `tensors` are the kinds of its weights by name."""

    directory: Path
    config: str
    tokenizers: Mapping[str, bytes]
    summary: Mapping[str, object]
    tensors: Mapping[str, TensorKind]


@dataclass(frozen=True)
class Loaded:
    """A checkpoint or exported model, verified.

    `optimizer` and `state` are empty unless they were asked for, `shortlist` is where the model has none.
    """

    directory: Path
    config: str
    tokenizers: Mapping[str, bytes]
    summary: Mapping[str, object]
    weights: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, torch.Tensor]
    state: Mapping[str, object]
    shortlist: Mapping[str, torch.Tensor]


def save_checkpoint(run: Path, step: int, contents: CheckpointContents) -> Path:
    """Saves a checkpoint into the run directory, all of it or nothing, and returns its directory.

    A checkpoint of the same step is replaced, or left alone when it holds the same already. The caller then marks the
    new one as last or best: until that is done, the run goes on from the one before.

    Raises:
        NonFiniteError: a tensor holds NaN or an infinity; nothing was written.
        StorageError: it cannot be written; what was saved before is untouched.
    """
    directory = run / CHECKPOINTS / checkpoint_name(step)
    for tensors in (contents.weights, contents.optimizer):
        name = non_finite(tensors)
        if name is not None:
            raise NonFiniteError(str(directory), f"not saved: {name} holds NaN or an infinity")
    files = {
        WEIGHTS: encode_tensors(contents.weights),
        OPTIMIZER: encode_tensors(contents.optimizer),
        STATE: encode_json(dict(contents.state)),
        CONFIG: contents.config.encode(),
        **contents.tokenizers,
    }
    make_directory(directory.parent)
    write_sealed(directory, files, contents.summary, replace=True)
    return directory


def save_marked(run: Path, step: int, contents: CheckpointContents, *, is_best: bool, keep: int) -> None:
    """Saves a checkpoint, then says that it is the last and, if it is, the best, then removes old ones.

    A process that is killed at any moment of this leaves the checkpoint before it, or this one, as the last.

    Args:
        run: the run directory.
        step: the number of updates made.
        contents: of the checkpoint.
        is_best: whether none was better.
        keep: how many checkpoints stay besides the best and the last.

    Raises:
        NonFiniteError, StorageError: as of `save_checkpoint`; also, an old checkpoint cannot be removed.
    """
    checkpoint = save_checkpoint(run, step, contents)
    if is_best:
        mark(run, "best", checkpoint.name)
    mark(run, "last", checkpoint.name)
    prune(run, keep)


def add_shortlist(checkpoint: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Puts the table of a shortlist into a checkpoint, in place of one that is there; all of it or nothing.

    Raises:
        ModelError: the checkpoint is damaged.
        StorageError: it cannot be written.
    """
    manifest = read_manifest(checkpoint)
    files = {name: read_file(checkpoint, name, manifest) for name in manifest.files}
    write_sealed(checkpoint, files | {SHORTLIST: encode_tensors(tensors)}, manifest.summary, replace=True)


def export_model(checkpoint: Path, directory: Path) -> None:
    """Writes what translation needs of a checkpoint as a directory of its own, to hand to somebody.

    Raises:
        ConfigError: `directory` exists and is not an empty directory.
        ModelError: the checkpoint is damaged.
        StorageError: `directory` cannot be written.
    """
    manifest = read_manifest(checkpoint)
    names = manifest.files.keys() - TRAINING_FILES
    files = {name: read_file(checkpoint, name, manifest) for name in names}
    # A temporary directory cannot be renamed onto a link, even if that leads to an empty directory.
    final = directory.resolve()
    if os.path.lexists(final) and not _is_empty_directory(final):
        raise ConfigError(str(directory), "exists already; a model is exported into a new or empty directory")
    make_directory(final.parent)
    write_sealed(final, files, manifest.summary, replace=False)


def _is_empty_directory(path: Path) -> bool:
    try:
        return path.is_dir() and not any(path.iterdir())
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error


def describe(directory: Path) -> Description:
    """Reads everything but the tensors' numbers, so that what does not fit is found before a large file is read.

    Raises:
        ModelError: a file is missing, damaged or tampered with.
    """
    manifest = read_manifest(directory)
    return Description(
        directory=directory,
        config=_read_config(directory, manifest),
        tokenizers=_read_tokenizers(directory, manifest),
        summary=manifest.summary,
        tensors=tensor_kinds(directory / WEIGHTS, manifest.files[WEIGHTS].size),
    )


def load_checkpoint(directory: Path, *, with_optimizer: bool, device: torch.device | str = "cpu") -> Loaded:
    """Loads a checkpoint or exported model, every file of it found as its manifest says.

    Args:
        directory: the directory with the manifest.
        with_optimizer: whether to load what only training needs, too; an exported model has none.
        device: where the weights go. The optimizer's tensors stay on the CPU, from where `load_state_dict` takes them.

    Raises:
        ModelError: a file is missing, damaged or tampered with, or a tensor holds NaN or an infinity.
    """
    manifest = read_manifest(directory)
    weights = read_tensors(directory, WEIGHTS, manifest)
    return Loaded(
        directory=directory,
        config=_read_config(directory, manifest),
        tokenizers=_read_tokenizers(directory, manifest),
        summary=manifest.summary,
        weights={name: tensor.to(device) for name, tensor in weights.items()},
        optimizer=read_tensors(directory, OPTIMIZER, manifest) if with_optimizer else {},
        state=read_state(directory, manifest) if with_optimizer else {},
        shortlist=read_tensors(directory, SHORTLIST, manifest) if SHORTLIST in manifest.files else {},
    )


def check_tensors(found: Mapping[str, HasKind], expected: Mapping[str, HasKind], where: Path) -> None:
    """Sees that the tensors of a file are those that the model wants: names, shapes and number types.

    Args:
        found: tensors, or their kinds as `describe` gives them.
        expected: tensors (on the meta device, say) or kinds.
        where: the file, for the message.

    Raises:
        ModelError: they differ; the message names the first few tensors and both shapes.
    """
    problems = [f"{name} is missing" for name in expected.keys() - found.keys()]
    problems += [f"{name} is not part of this model" for name in found.keys() - expected.keys()]
    for name in expected.keys() & found.keys():
        here, wanted = _kind(found[name]), _kind(expected[name])
        if here != wanted:
            problems.append(f"{name} is {_text(here)}, expected {_text(wanted)}")
    if problems:
        shown = "; ".join(f"{problem:.200}" for problem in sorted(problems)[:3])
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ModelError(str(where), f"does not fit the model of its configuration: {shown}{more}")


def _kind(tensor: HasKind) -> TensorKind:
    return TensorKind(tuple(tensor.shape), tensor.dtype)


def _text(kind: TensorKind) -> str:
    return f"{list(kind.shape)} {str(kind.dtype).removeprefix('torch.')}"


def _read_config(directory: Path, manifest: Manifest) -> str:
    try:
        return read_file(directory, CONFIG, manifest).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(str(directory / CONFIG), f"not UTF-8: {error}") from None


def _read_tokenizers(directory: Path, manifest: Manifest) -> dict[str, bytes]:
    return {name: read_file(directory, name, manifest) for name in sorted(TOKENIZER_FILES & manifest.files.keys())}
