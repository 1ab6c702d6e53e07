"""Selecting rows of a matrix, with gradients that are faster than those of torch's own operations, and summing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class _PermutedRows(Function):
    """Selects rows by an index that is its own inverse, so that the gradient is the same selection."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        return gradient.index_select(0, index), None


class _SelectedRows(Function):
    """Selects rows; if they are `distinct`, none of them twice, their gradients need not be added up."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, places: Tensor, distinct: bool) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape, ctx.distinct = rows.shape, distinct
        return rows.index_select(0, places)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        zeros = gradient.new_zeros(ctx.shape)
        fill = zeros.index_copy_ if ctx.distinct else zeros.index_add_
        return fill(0, places, gradient), None, None


_permuted_rows = cast("Callable[[Tensor, Tensor], Tensor]", _PermutedRows.apply)
_selected_rows = cast("Callable[[Tensor, Tensor, bool], Tensor]", _SelectedRows.apply)


def permuted_rows(rows: Tensor, index: Tensor) -> Tensor:
    """Returns the rows (N, R) in the order of an index (N,) that is its own inverse: (N, R)."""
    return _permuted_rows(rows, index)


def distinct_rows(rows: Tensor, places: Tensor) -> Tensor:
    """Returns the rows, (·, R), at `places` (N,), none of which occurs twice: (N, R)."""
    return _selected_rows(rows, places, True)


def embedding_rows(weight: Tensor, tokens: Tensor) -> Tensor:
    """Embeds tokens (·, ·) by a weight (V, E): (·, ·, E).

    The backward pass of torch's own waits for the GPU if tokens are many, and cannot be captured in a CUDA graph.
    """
    rows: Tensor = _selected_rows(weight, tokens.flatten(), False).unflatten(0, tokens.shape)
    return rows


def sum_rows(rows: Tensor) -> Tensor:
    """Sums rows, (N, ·) -> (·,), in float32, or float64 where they are of it; autograd does not see it."""
    return rows.sum(0, dtype=torch.promote_types(rows.dtype, torch.float32))
