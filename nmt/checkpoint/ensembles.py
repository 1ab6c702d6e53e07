"""The verified read of several models that translate together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from nmt.checkpoint.compatibility import check_compatible
from nmt.checkpoint.loading import ModelBundle, open_model, read_outline
from nmt.checkpoint.run_directory import Warn, use_model
from nmt.errors import ConfigError


def open_ensemble(paths: Sequence[Path], warn: Warn, device: torch.device) -> list[ModelBundle]:
    """Reads models, the first of which the others join; see `open_model`.

    Raises:
        ConfigError: one of them cannot join; see `check_joins`.
        ModelError, UnreadableError: one of them cannot be read.
    """
    bundles: list[ModelBundle] = []
    for path in paths:
        bundle = open_model(path, warn, device)
        for before in bundles:
            check_joins(before, bundle)
        bundles.append(bundle)
    return bundles


def check_joins(first: ModelBundle, other: ModelBundle) -> None:
    """Raises ConfigError if a model cannot join the first: by `check_compatible`, or as it is that itself."""
    check_compatible(first, other, "models of an ensemble")
    if first.identity == other.identity:
        raise ConfigError(
            str(other.directory), f"is the same model as {first.directory}: an ensemble is of different ones"
        )


def join_models(models: Sequence[Path], others: Sequence[Path], warn: Warn) -> dict[Path, list[Path]]:
    """Returns for each model which of the others can join it.

    Raises:
        ConfigError: one of the others can join none of the models, or several.
        ModelError, UnreadableError: one of them cannot be read.
    """
    outlines = {path: use_model(path, warn, read_outline) for path in (*models, *others)}
    joining: dict[Path, list[Path]] = {path: [] for path in models}
    for other in others:
        fitting = []
        for model in models:
            try:
                check_joins(outlines[model], outlines[other])
            except ConfigError:
                if len(models) == 1:
                    raise
            else:
                fitting.append(model)
        if len(fitting) != 1:
            number = f"can join {len(fitting)} of them" if fitting else "has the languages and vocabularies of none"
            raise ConfigError(str(other), f"{number}: {', '.join(map(str, fitting or models))}; expected one")
        joining[fitting[0]].append(other)
    return joining


def joint_identity(bundles: Sequence[ModelBundle], averaged: str) -> str:
    """Returns an SHA-256 of all models and what is averaged; that of a single model is its own."""
    if len(bundles) == 1:
        return bundles[0].identity
    return hashlib.sha256("\n".join([averaged, *(bundle.identity for bundle in bundles)]).encode()).hexdigest()
