"""Matrix products, and the number types they run in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nmt.model.kernels.onednn import by_onednn, filled_to, filled_up, first, is_for_onednn, product_type, runs_by_onednn
from nmt.model.kernels.packing import is_packed, packed_for


def for_products(values: Tensor) -> Tensor:
    """Converts values to the type that autocast runs products in; if autocast is off, they stay as they are."""
    return values.to(product_type(values))


def outside_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Returns a context in which operations run in the types of their arguments.

    If autocast is off it does nothing: torch's own context takes as long as a small product.
    """
    enabled = torch.is_autocast_enabled(device.type)
    return torch.autocast(device.type, enabled=False) if enabled else nullcontext()


def accurate(values: Tensor) -> Tensor:
    """Converts values to a type fit for elementwise work: 16-bit numbers become float32."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None, *, transposed: bool = False) -> Tensor:
    """Computes `functional.linear`, (·, ·, I) -> (·, ·, O), of many rows, to which it appends some (see `filled_up`).

    The weight is (O, I) or, `transposed`, (I, O). A packed copy of it is used where that is faster.
    """
    rows, matrix = inputs.flatten(0, -2), weight if transposed else weight.t()
    copy = packed_for(rows, weight)
    outputs = _linear(rows, matrix, bias) if copy is None else copy.product(rows, bias)
    return outputs.view(*inputs.shape[:-1], outputs.shape[-1])


def linears(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    """Computes several of them at once: (D, N, I), (D, I, O) and (D, O) -> (D, N, O)."""
    if runs_by_onednn(inputs, weights):
        return torch.stack([_linear(*each) for each in zip(inputs, weights, biases, strict=True)])
    return torch.baddbmm(biases[:, None], filled_up(inputs), weights)[:, : inputs.shape[1]]


def product(inputs: Tensor, weight: Tensor, *, transposed: bool = False) -> Tensor:
    """Computes `linear` without a bias for a step of search, whose rows are few or become fewer with each word."""
    if torch.is_grad_enabled() and not is_packed(weight):
        return torch.matmul(inputs, weight) if transposed else functional.linear(inputs, weight)
    return linear(inputs, weight, transposed=transposed)


def mm(rows: Tensor, matrix: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Multiplies (N, I) and (I, O), of one type -> (N, O), which may be `out`; autograd does not see it."""
    if is_for_onednn(rows, matrix.shape[-1]):
        return by_onednn(rows, matrix.t(), None)
    return torch.mm(rows, matrix, out=out)


def bmm(rows: Tensor, matrices: Tensor) -> Tensor:
    """Multiplies (D, N, I) and (D, I, O), of a small D -> (D, N, O); autograd does not see it."""
    if is_for_onednn(rows, matrices.shape[-1]):
        return torch.stack([mm(*each) for each in zip(rows, matrices, strict=True)])
    return torch.bmm(rows, matrices)


def _linear(rows: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """Computes a linear map, (N, I), (I, O) and (O,) -> (N, O), under autograd and autocast."""
    if runs_by_onednn(rows, matrix):
        return _run_linear(rows, matrix, bias)
    return first(functional.linear(filled_up(rows), matrix.t(), bias), len(rows))


class _Linear(Function):
    """A product by oneDNN, and its gradient."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
        filled = filled_up(rows)
        ctx.save_for_backward(filled, matrix)
        return first(by_onednn(filled, matrix.t(), bias), len(rows))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, matrix = ctx.saved_tensors
        for_rows, for_matrix, for_bias = ctx.needs_input_grad
        filled = filled_to(len(rows), gradient)
        return (
            first(mm(filled, matrix.t()), len(gradient)) if for_rows else None,
            mm(rows.t(), filled) if for_matrix else None,
            gradient.sum(0) if for_bias else None,
        )


_run_linear = cast("Callable[[Tensor, Tensor, Tensor | None], Tensor]", _Linear.apply)
