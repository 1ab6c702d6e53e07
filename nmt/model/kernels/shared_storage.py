"""Memory for the backward pass of a loop over time, which it shares with what the forward pass saved."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def taken_once(ctx: Any) -> Any:
    """Returns what the forward pass of a loop has left in `ctx.taken`, which the backward pass overwrites."""
    taken, ctx.taken = ctx.taken, None
    if taken is None:
        raise RuntimeError("the backward pass of a loop can run once")
    return taken


def values_and_gradients(like: Tensor, shape: tuple[int, int, int, int], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Allocates values (D, T, B, G) of the type of `like`, and gradients of the same shape in the same memory.

    The backward pass goes from the last step to the first: it may fill the gradients of step t, (D, B, G), once it
    needs no values of later steps; those of step t stay as they are. Numbers of the gradients, of type `dtype`, take at
    most as many bytes as those of the values.
    """
    directions, time, batch, size = shape
    of_value, of_gradient = (batch * size * each.itemsize for each in (like.dtype, dtype))
    assert of_gradient <= of_value, "gradients of step t lie behind its values"
    room = like.new_empty(directions, time * of_value + of_gradient, dtype=torch.uint8)
    values = room[:, : time * of_value].view(like.dtype)
    gradients = room[:, time * (of_value - of_gradient) + of_gradient :].view(dtype)
    return values.view(shape), gradients.view(shape)
