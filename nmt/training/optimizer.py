"""The optimizer, and how it skips an update that diverged."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig


def make_optimizer(config: TrainingConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Makes the optimizer of a configuration."""
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[config.optimizer](
        parameters,
        lr=config.learning_rate,
        betas=config.adam_betas,
        eps=config.adam_epsilon,
        weight_decay=config.weight_decay,
        fused=True,
    )


def skip_step_if_nonfinite(optimizer: torch.optim.Optimizer, loss: Tensor, norm: Tensor) -> None:
    """Makes the optimizer's next step change nothing if the update's loss or gradient norm is NaN or infinite.

    Nobody waits for the two: the fused optimizer reads them on the device, as it does for torch's gradient scaler.
    """
    cast("Any", optimizer).found_inf = (loss.isfinite() & norm.isfinite()).logical_not().float()
