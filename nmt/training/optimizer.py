"""The optimizer, and how it is kept from a step that diverged."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig


def make_optimizer(config: TrainingConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer that a configuration asks for."""
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[config.optimizer](
        parameters,
        lr=config.learning_rate,
        betas=config.adam_betas,
        eps=config.adam_epsilon,
        weight_decay=config.weight_decay,
        fused=True,
    )


def leave_out_if_infinite(optimizer: torch.optim.Optimizer, loss: Tensor, norm: Tensor) -> None:
    """Has the optimizer's next step change nothing where the update's loss, or its gradient's norm, is no number or
    infinite, without waiting for either.

    It looks by itself, when they are there: what torch's gradient scaler has fused optimizers do.
    """
    cast("Any", optimizer).found_inf = (loss.isfinite() & norm.isfinite()).logical_not().float()
