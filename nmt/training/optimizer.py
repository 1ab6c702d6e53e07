"""The optimizer, which can skip an update that diverged."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig


def make_optimizer(config: TrainingConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Makes the optimizer of a configuration.

    That is Adam (Kingma and Ba 2015, arXiv:1412.6980) or AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
    """
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
    """Makes the optimizer's next step change nothing if a part of the loss, (·,), or the norm is NaN or infinite.

    The processor does not wait for them: the fused optimizer reads them on the device, as for torch's gradient scaler.
    """
    cast("Any", optimizer).found_inf = (loss.isfinite().all() & norm.isfinite()).logical_not().float()
