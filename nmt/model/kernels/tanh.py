"""tanh by way of the sigmoid, which a CPU computes faster.

On a CPU torch's own tanh takes five to nine times as long as its sigmoid, and tanh(x) = 2 sigmoid(2x) - 1. The error is
at most 2e-7 in float32; near 0, where tanh(x) is about x, that is a larger share of it than torch's own error.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.model.kernels.matmul import accurate


def half_tanh_(doubled: Tensor) -> Tensor:
    """Turns 2x into tanh(x) / 2, in place."""
    return doubled.sigmoid_().sub_(0.5)


def fill_with_tanh(filled: Tensor, values: Tensor) -> Tensor:
    """Fills a tensor, which may be `values` itself, with tanh of the values; for float32 and better, not autograd."""
    if values.device.type != "cpu":
        return torch.tanh(values, out=filled)
    return half_tanh_(torch.mul(values, 2, out=filled)).mul_(2)


def tanh(values: Tensor) -> Tensor:
    """Computes tanh of values of any type, in their type."""
    if torch.is_grad_enabled() or values.device.type != "cpu":
        return torch.tanh(values)
    exact = accurate(values)
    return fill_with_tanh(torch.empty_like(exact), exact).to(values.dtype)
