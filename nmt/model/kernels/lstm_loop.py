"""LSTMs over time as one operation with a backward pass derived by hand; `attention_loop` has the same structure.

Autograd's own backward through a Python loop fills and adds a whole tensor at every step. Here every product that
does not depend on the recurrence is hoisted out of the loop, buffers are time-major and allocated once, and each
weight's gradient is one product after the loop. Products run in the type of the weights (float32, float64 or bfloat16),
and hidden states leave the loop in it; elementwise work and cell states stay in float32 (float64 for float64).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from nmt.model.kernels.dispatch import choose_kernels
from nmt.model.kernels.interface import Kernels
from nmt.model.kernels.lstm_cell import lstm_cell
from nmt.model.kernels.matmul import accurate, bmm, outside_autocast
from nmt.model.kernels.onednn import filled_up
from nmt.model.kernels.shared_storage import taken_once, values_and_gradients


class _LSTMLoop(Function):
    """`D` independent LSTMs over time; see `lstm_loop`."""

    @staticmethod
    def forward(ctx: Any, input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor, kernels: Kernels) -> Tensor:
        directions, time, batch, gate_size = input_gates.shape
        size = gate_size // 4
        # Activations.
        gates, gates_gradients = values_and_gradients(hidden, (directions, time, batch, gate_size), input_gates.dtype)
        cells, cell_tanhs = (hidden.new_empty(directions, steps, batch, size) for steps in (time + 1, time))
        cells[:, 0] = 0
        hiddens = recurrent_weight.new_empty(directions, time + 1, batch, size)
        hiddens[:, 0] = hidden
        for t in range(time):
            filled = cells[:, t + 1], cell_tanhs[:, t], hiddens[:, t + 1]
            kernels.lstm_step(
                bmm(hiddens[:, t], recurrent_weight), input_gates[:, t], gates[:, t], cells[:, t], *filled
            )
        ctx.save_for_backward(recurrent_weight, hiddens)
        ctx.taken, ctx.kernels = (gates, cells, cell_tanhs, gates_gradients), kernels
        return hiddens[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, output_gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        recurrent_weight, hiddens = ctx.saved_tensors
        gates, cells, cell_tanhs, gates_gradients = taken_once(ctx)
        directions, time, batch, size = cell_tanhs.shape
        weight_t = recurrent_weight.transpose(1, 2)
        carried = gates_gradients.new_zeros(directions, batch, size)
        cell_gradient = torch.zeros_like(carried, dtype=cells.dtype)
        output_gradient = output_gradient.contiguous()
        for t in reversed(range(time)):
            saved = gates[:, t], cells[:, t], cell_tanhs[:, t]
            ctx.kernels.lstm_step_backward(carried, output_gradient[:, t], cell_gradient, *saved, gates_gradients[:, t])
            carried = bmm(gates_gradients[:, t], weight_t)
        rows = hiddens[:, :-1].reshape(directions, time * batch, size)
        weight_gradient = bmm(filled_up(rows).transpose(1, 2), filled_up(gates_gradients.flatten(1, 2)))
        return gates_gradients, weight_gradient, accurate(carried), None


_run_lstm = cast("Callable[..., Tensor]", _LSTMLoop.apply)


def lstm_loop(
    input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor | None = None, *, by_steps: bool = False
) -> Tensor:
    """Runs `D` LSTMs side by side over time: (D, T, B, 4H) -> hidden states (D, T, B, H), in the type of the weight.

    `input_gates` are what input and bias add to the gates, `recurrent_weight` is (D, H, 4H), and the initial `hidden`
    state, (D, B, H), is zero by default, as the cells are. The backward pass can run once. `by_steps` leaves the
    gradient to autograd, step by step, which the loop's own is tested against.
    """
    if hidden is None:
        hidden = input_gates.new_zeros(input_gates.shape[0], input_gates.shape[2], recurrent_weight.shape[1])
    given = input_gates.to(recurrent_weight.dtype), recurrent_weight, accurate(hidden)
    with outside_autocast(input_gates.device):
        if by_steps:
            return _lstm_by_steps(*given)
        return _run_lstm(*given, choose_kernels(recurrent_weight))


def _lstm_by_steps(input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor) -> Tensor:
    cell = torch.zeros_like(hidden)
    outputs = []
    for gates in input_gates.unbind(1):
        recurrent = torch.bmm(hidden.to(recurrent_weight.dtype), recurrent_weight)
        hidden, cell = lstm_cell(accurate(gates) + recurrent, cell)
        outputs.append(hidden.to(recurrent_weight.dtype))
    return torch.stack(outputs, 1)
