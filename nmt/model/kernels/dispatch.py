"""The choice of kernels for the elementwise work of the loops over time: torch's own operations, or Triton on a GPU."""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from nmt.model.kernels.additive_attention import AdditiveBackward, AdditiveForward
from nmt.model.kernels.interface import Kernels
from nmt.model.kernels.lstm_cell import lstm_step, lstm_step_backward

logger = logging.getLogger(__name__)

TORCH = Kernels(lstm_step, lstm_step_backward, AdditiveForward, AdditiveBackward)
"""The kernels in torch's own operations, for every device and number type."""


def lstm_kernels(weight: Tensor) -> Kernels:
    """Returns the kernels for a loop of LSTM steps whose products have this weight."""
    return _triton_for(weight) or TORCH


def attention_kernels(weight: Tensor, source: int) -> Kernels:
    """Returns the kernels for additive attention over `source` tokens, in a loop whose products have this weight."""
    kernels = lstm_kernels(weight)
    return TORCH if kernels.longest_source is not None and source > kernels.longest_source else kernels


def _triton_for(weight: Tensor) -> Kernels | None:
    fits = weight.device.type == "cuda" and weight.dtype in (torch.float32, torch.bfloat16)
    return triton_kernels(weight.device) if fits else None


@cache
def triton_kernels(device: torch.device) -> Kernels | None:
    """Returns the kernels in Triton; None if it is not installed or cannot compile, for which it needs a C compiler."""
    if find_spec("triton") is None:
        return None
    from nmt.model.kernels.triton import KERNELS

    try:  # to compile and run one
        gates, unit = torch.zeros(3, 1, 4, device=device), torch.zeros(4, 1, 1, device=device)
        KERNELS.lstm_step(*gates, *unit)
    except Exception as error:  # of many types, depending on what is missing
        reason = str(error).partition("\n")[0] or type(error).__name__
        logger.warning("the loops over time run without kernels of their own, and slower: %s", reason)
        return None
    return KERNELS
