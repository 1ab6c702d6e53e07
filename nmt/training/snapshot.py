"""The tensors that training goes on from: weights, their average, and the optimizer's moments, by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nmt.checkpoint.checkpoint import Checkpoint
from nmt.checkpoint.layout import OPTIMIZER, WEIGHTS
from nmt.checkpoint.tensors import check_tensors
from nmt.training.ema import ExponentialMovingAverage
from nmt.training.optimizer import Adam


def learning(parameters: Mapping[str, nn.Parameter]) -> dict[str, nn.Parameter]:
    """Returns the parameters that the optimizer changes: those that are not frozen."""
    return {name: parameter for name, parameter in parameters.items() if parameter.requires_grad}


def take_snapshot(
    parameters: Mapping[str, nn.Parameter], optimizer: Adam, ema: ExponentialMovingAverage | None
) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    """Takes the tensors as they are; they share memory with the model.

    Returns the weights to translate with, which are the average where there is one, and the tensors to train on with.
    """
    weights = {name: parameter.detach() for name, parameter in parameters.items()}
    if ema is None:
        return weights, optimizer.tensors
    return ema.tensors, optimizer.tensors | {f"weights.{name}": weight for name, weight in weights.items()}


def restore_snapshot(
    checkpoint: Checkpoint,
    parameters: Mapping[str, nn.Parameter],
    optimizer: Adam,
    ema: ExponentialMovingAverage | None,
) -> None:
    """Puts tensors back where `take_snapshot` took them; raises ModelError if they are not those of this training."""
    tensors = checkpoint.optimizer
    expected = dict(optimizer.tensors)
    if ema is not None:
        expected |= {f"weights.{name}": parameter for name, parameter in parameters.items()}
    weights = checkpoint.weights
    check_tensors(weights, parameters, checkpoint.directory / WEIGHTS)
    check_tensors(tensors, expected, checkpoint.directory / OPTIMIZER)
    if ema is not None:
        ema.load(weights)
        weights = {name: tensors[f"weights.{name}"] for name in parameters}
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    optimizer.load(tensors)
