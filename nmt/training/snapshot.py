"""The tensors that training goes on from: weights, their average, and the optimizer's moments, by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nmt.checkpoint.checkpoint import Checkpoint
from nmt.checkpoint.layout import OPTIMIZER, WEIGHTS
from nmt.checkpoint.tensors import check_tensors
from nmt.training.ema import ExponentialMovingAverage

_MOMENTS = ("exp_avg", "exp_avg_sq")
_STEP = "step"


def learning(parameters: Mapping[str, nn.Parameter]) -> dict[str, nn.Parameter]:
    """Returns the parameters that the optimizer changes: those that are not frozen."""
    return {name: parameter for name, parameter in parameters.items() if parameter.requires_grad}


def take_snapshot(
    parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, ema: ExponentialMovingAverage | None
) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    """Takes the tensors as they are after one step or more; they share memory with the model.

    Returns the weights to translate with, which are the average where there is one, and the tensors to train on with.
    """
    weights = {name: parameter.detach() for name, parameter in parameters.items()}
    moments = optimizer.state_dict()["state"]
    tensors = {
        f"{moment}.{name}": moments[index][moment]
        for index, name in enumerate(learning(parameters))
        for moment in (*_MOMENTS, _STEP)
    }
    if ema is None:
        return weights, tensors
    return ema.tensors, tensors | {f"weights.{name}": weight for name, weight in weights.items()}


def restore_snapshot(
    checkpoint: Checkpoint,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    ema: ExponentialMovingAverage | None,
) -> None:
    """Puts tensors back where `take_snapshot` took them; raises ModelError if they are not those of this training."""
    tensors = checkpoint.optimizer
    expected: dict[str, Tensor] = {}
    for name, parameter in learning(parameters).items():
        expected |= {f"{moment}.{name}": parameter for moment in _MOMENTS}
        expected[f"{_STEP}.{name}"] = torch.zeros(())
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
    state = {
        index: {moment: tensors[f"{moment}.{name}"] for moment in (*_MOMENTS, _STEP)}
        for index, name in enumerate(learning(parameters))
    }
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
