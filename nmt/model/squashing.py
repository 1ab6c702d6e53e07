"""tanh as a processor is quick to compute it, with an error of at most 2e-7.

torch's own takes five to nine times as long there as its sigmoid, and tanh(x) = 2 sigmoid(2x) - 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.model.products import accurate


def half_tanh_(doubled: Tensor) -> Tensor:
    """Turns 2x into tanh(x) / 2, in place."""
    return doubled.sigmoid_().sub_(0.5)


def tanh_(values: Tensor) -> Tensor:
    """Turns x, in float32 or better, into tanh(x), in place; autograd must not see it."""
    return half_tanh_(values.mul_(2)).mul_(2) if values.device.type == "cpu" else values.tanh_()


def tanh(values: Tensor) -> Tensor:
    """tanh of values that a caller gives away: without autograd they may be lost, and come back in float32."""
    return torch.tanh(values) if torch.is_grad_enabled() else tanh_(accurate(values))
