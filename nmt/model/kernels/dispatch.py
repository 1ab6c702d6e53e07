"""The choice of kernels for the elementwise work of the loops over time: torch's own operations, or Triton on a GPU."""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from nmt.model.kernels import lstm_cell
from nmt.model.kernels.additive_attention import AdditiveBackward, AdditiveForward
from nmt.model.kernels.interface import AttentionBackward, AttentionForward, Kernels

logger = logging.getLogger(__name__)


class TorchKernels:
    """The kernels in torch's own operations, for every device and number type; see `Kernels`."""

    longest_source: int | None = None
    lstm_step = staticmethod(lstm_cell.lstm_step)
    lstm_step_backward = staticmethod(lstm_cell.lstm_step_backward)

    def additive_forward(
        self, keys: Tensor, annotations: Tensor, padding: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> AttentionForward:
        """See `Kernels.additive_forward`."""
        return AdditiveForward(keys, annotations, padding, energy, weights, tanhs)

    def additive_backward(
        self, annotations: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> AttentionBackward:
        """See `Kernels.additive_backward`."""
        return AdditiveBackward(annotations, energy, weights, tanhs)


TORCH: Kernels = TorchKernels()


def lstm_kernels(weight: Tensor) -> Kernels:
    """Returns the kernels for a loop of LSTM steps whose products have this weight."""
    return _triton_for(weight) or TORCH


def attention_kernels(weight: Tensor, source: int) -> Kernels:
    """Returns the kernels for additive attention over `source` tokens, in a loop whose products have this weight."""
    kernels = _triton_for(weight)
    if kernels is None or (kernels.longest_source is not None and source > kernels.longest_source):
        return TORCH
    return kernels


def _triton_for(weight: Tensor) -> Kernels | None:
    fits = weight.device.type == "cuda" and weight.dtype in (torch.float32, torch.bfloat16)
    return triton_kernels(weight.device) if fits else None


@cache
def triton_kernels(device: torch.device) -> Kernels | None:
    """Returns the kernels in Triton; None if it is not installed or cannot compile, for which it needs a C compiler."""
    if find_spec("triton") is None:
        return None
    from nmt.model.kernels.triton import TritonKernels

    kernels: Kernels = TritonKernels()
    try:
        _try(kernels, device)
    except Exception as error:  # of many types, depending on what is missing
        reason = str(error).partition("\n")[0] or type(error).__name__
        logger.warning("the loops over time run without kernels of their own, and slower: %s", reason)
        return None
    return kernels


def _try(kernels: Kernels, device: torch.device) -> None:
    """Compiles and runs one kernel."""
    gates, unit = torch.zeros(3, 1, 4, device=device), torch.zeros(4, 1, 1, device=device)
    kernels.lstm_step(gates[0], gates[1], gates[2], *unit)
