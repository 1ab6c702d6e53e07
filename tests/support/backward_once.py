"""A function whose backward pass can run once, for a check that runs it several times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function


class _Anew(Function):
    """Computes a function again whenever its gradient is asked for."""

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], *given: Tensor) -> Any:
        ctx.run = run
        ctx.save_for_backward(*given)
        found = _of_leaves(run, given)[1]
        return found.detach() if isinstance(found, Tensor) else tuple(each.detach() for each in found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        leaves, found = _of_leaves(ctx.run, ctx.saved_tensors)
        return None, *torch.autograd.grad(found, leaves, gradients)


def _of_leaves(run: Callable[..., Any], given: tuple[Tensor, ...]) -> tuple[list[Tensor], Any]:
    leaves = [each.detach().requires_grad_() for each in given]
    with torch.enable_grad():
        return leaves, run(*leaves)


def passes_gradcheck(run: Callable[..., Any], given: tuple[Tensor, ...]) -> bool:
    """Returns True if the gradients of a function of tensors of float64 are those of its values."""
    return torch.autograd.gradcheck(lambda *values: cast("Any", _Anew.apply)(run, *values), given)
