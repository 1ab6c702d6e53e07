"""The average of several models' weights, as a model of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nmt.checkpoint.checkpoint import write_model
from nmt.checkpoint.compatibility import check_compatible
from nmt.checkpoint.layout import TRAINING_FILES, WEIGHTS
from nmt.checkpoint.loading import ModelBundle, read_outline
from nmt.checkpoint.manifest import read_file, read_manifest
from nmt.checkpoint.run_directory import Warn, use_model
from nmt.checkpoint.tensors import encode_tensors, read_tensors
from nmt.errors import ConfigError

AVERAGED = "averaged"
"""The fact in a summary that tells which models an average is of: of each its name, step and SHA-256."""


@dataclass(frozen=True)
class _Part:
    """A model that is averaged, with its weights."""

    bundle: ModelBundle
    files: dict[str, bytes]  # of the model, but its weights
    weights: dict[str, torch.Tensor]


def average_models(paths: Sequence[Path], directory: Path, warn: Warn) -> int:
    """Writes the mean of several models' weights as a model directory; returns the number of models.

    They must have one architecture, and the same languages and vocabularies. Everything else, and the table of a
    shortlist, is that of the first. Two models' weights are in memory at a time, and the sum, in float64.

    Raises:
        ConfigError: they are fewer than two, or do not fit together, or `directory` is not new or empty.
        ModelError, UnreadableError: one of them cannot be read.
        StorageError: `directory` cannot be written.
    """
    if len(paths) < 2:
        raise ConfigError("MODEL", "an average is of two models or more")
    first = _read(paths[0], warn)
    sums = {name: tensor.double() for name, tensor in first.weights.items()}
    origins = [first.bundle.origin]
    for path in paths[1:]:
        other = _read(path, warn)
        _check_fit(first.bundle, other.bundle)
        for name, tensor in other.weights.items():
            sums[name] += tensor
        origins.append(other.bundle.origin)
    mean = {name: (total / len(paths)).to(first.weights[name].dtype) for name, total in sums.items()}
    # The scores of validations are those of the parts, and nobody has validated the average.
    summary = {**first.bundle.summary, "best_score": None, AVERAGED: origins}
    write_model(directory, first.files | {WEIGHTS: encode_tensors(mean)}, summary)
    return len(paths)


def _read(path: Path, warn: Warn) -> _Part:
    def read(directory: Path) -> _Part:
        manifest = read_manifest(directory)
        names = manifest.files.keys() - TRAINING_FILES - {WEIGHTS}
        files = {name: read_file(directory, name, manifest) for name in names}
        return _Part(read_outline(directory, manifest), files, read_tensors(directory, WEIGHTS, manifest))

    return use_model(path, warn, read)


def _check_fit(first: ModelBundle, other: ModelBundle) -> None:
    check_compatible(first, other, "models of an average")
    if first.tensors != other.tensors or first.config.model.attention != other.config.model.attention:
        raise ConfigError(str(other.directory), f"has another architecture than {first.directory}")
