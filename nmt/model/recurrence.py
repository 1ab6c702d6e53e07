"""The loops over time, each as one operation with a backward pass derived by hand.

Autograd's own backward through a Python loop fills and adds a whole tensor at every step. Here every product that
does not depend on the recurrence is hoisted out of the loop, buffers are time-major and allocated once, and each
weight's gradient is one product after the loop. Products run in the type of the weights that are handed over
(float32, float64 or bfloat16), and hidden states leave the loop in it; elementwise work and cell states stay in float32
(float64 for float64).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from nmt.model.cell import lstm_cell
from nmt.model.fusion import attention_steps, cell_steps
from nmt.model.products import accurate, filled_up


class _LSTMLoop(Function):
    """`D` independent LSTMs over time; see `lstm_loop`."""

    @staticmethod
    def forward(ctx: Any, input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor) -> Tensor:
        directions, time, batch, gate_size = input_gates.shape
        size = gate_size // 4
        new = hidden.new_empty
        gates = new(directions, time, batch, gate_size)  # activations
        cells, cell_tanhs = new(directions, time + 1, batch, size), new(directions, time, batch, size)
        cells[:, 0] = 0
        hiddens = recurrent_weight.new_empty(directions, time + 1, batch, size)
        hiddens[:, 0] = hidden
        steps = cell_steps(recurrent_weight)
        for t in range(time):
            steps.advance(
                torch.bmm(hiddens[:, t], recurrent_weight),
                input_gates[:, t],
                gates[:, t],
                cells[:, t],
                cells[:, t + 1],
                cell_tanhs[:, t],
                hiddens[:, t + 1],
            )
        ctx.save_for_backward(recurrent_weight, gates, cells, cell_tanhs, hiddens)
        return hiddens[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, output_gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        recurrent_weight, gates, cells, cell_tanhs, hiddens = ctx.saved_tensors
        directions, time, batch, size = cell_tanhs.shape
        weight_t = recurrent_weight.transpose(1, 2)
        gates_gradients = torch.empty_like(gates, dtype=recurrent_weight.dtype)
        carried = cells.new_zeros(directions, batch, size)
        cell_gradient = torch.zeros_like(carried)
        steps = cell_steps(recurrent_weight)
        output_gradient = output_gradient.contiguous()
        for t in reversed(range(time)):
            gates_gradient = gates_gradients[:, t]
            steps.retreat(
                carried,
                output_gradient[:, t],
                cell_gradient,
                gates[:, t],
                cells[:, t],
                cell_tanhs[:, t],
                gates_gradient,
            )
            carried = torch.bmm(gates_gradient, weight_t)
        rows = hiddens[:, :-1].reshape(directions, time * batch, size)
        weight_gradient = torch.bmm(filled_up(rows).transpose(1, 2), filled_up(gates_gradients.flatten(1, 2)))
        return gates_gradients, weight_gradient, accurate(carried)


_run_lstm = cast("Callable[..., Tensor]", _LSTMLoop.apply)


def lstm_loop(
    input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor | None = None, *, by_steps: bool = False
) -> Tensor:
    """Runs `D` LSTMs side by side over time.

    Args:
        input_gates: (D, T, B, 4H), what input and bias add to the gates, in the type of the weight.
        recurrent_weight: (D, H, 4H), in the type in which its products are to run.
        hidden: (D, B, H), the state to start from; zero when left out. The cells start from zero.
        by_steps: leave the gradient to autograd, step by step, which the loop's own is tested against.

    Returns the hidden states, (D, T, B, H), in the same type.
    """
    if hidden is None:
        hidden = input_gates.new_zeros(input_gates.shape[0], input_gates.shape[2], recurrent_weight.shape[1])
    with torch.autocast(input_gates.device.type, enabled=False):
        run = _lstm_by_steps if by_steps else _run_lstm
        return run(input_gates.to(recurrent_weight.dtype), recurrent_weight, accurate(hidden))


def _lstm_by_steps(input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor) -> Tensor:
    cell = torch.zeros_like(hidden)
    outputs = []
    for gates in input_gates.unbind(1):
        recurrent = torch.bmm(hidden.to(recurrent_weight.dtype), recurrent_weight)
        hidden, cell = lstm_cell(accurate(gates) + recurrent, cell)
        outputs.append(hidden.to(recurrent_weight.dtype))
    return torch.stack(outputs, 1)


class _AdditiveAttentionLoop(Function):
    """The attentional LSTM over time; see `additive_attention_loop`."""

    @staticmethod
    def forward(
        ctx: Any,
        input_gates: Tensor,
        keys: Tensor,
        annotations: Tensor,
        padding: Tensor,
        hidden: Tensor,
        query_weight: Tensor,
        energy: Tensor,
        recurrent_weight: Tensor,
        with_gradient: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        time, batch, gate_size = input_gates.shape
        size = gate_size // 4
        source, context_size = annotations.shape[1:]
        attention_size = keys.shape[2]
        dtype = recurrent_weight.dtype
        new = hidden.new_empty
        # tanh(query + key), kept for the backward pass in the products' type.
        compared = new(time if with_gradient else 0, batch, source, attention_size, dtype=dtype)
        weights = new(time, batch, source)
        gates, cell_tanhs = new(time, batch, gate_size), new(time, batch, size)
        cells = new(time + 1, batch, size)
        cells[0] = 0
        # What the recurrent product reads, [context; previous hidden], in the products' type.
        joined = new(time + 1, batch, context_size + size, dtype=dtype)
        joined[0, :, context_size:] = hidden
        steps, attention = cell_steps(recurrent_weight), attention_steps(recurrent_weight, source)
        looks = attention.Looking(keys, annotations, padding, energy, weights, compared)
        for t in range(time):
            looks.forward(t, joined[t, :, context_size:] @ query_weight, joined[t, :, :context_size])
            steps.advance(
                joined[t] @ recurrent_weight,
                input_gates[t],
                gates[t],
                cells[t],
                cells[t + 1],
                cell_tanhs[t],
                joined[t + 1, :, context_size:],
            )
        ctx.save_for_backward(
            annotations, query_weight, energy, recurrent_weight, compared, weights, gates, cells, cell_tanhs, joined
        )
        ctx.mark_non_differentiable(weights)
        return joined[1:, :, context_size:], joined[:-1, :, :context_size], weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, output_gradient: Tensor, context_gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        annotations, query_weight, energy, recurrent_weight, compared, weights, gates, cells, cell_tanhs, joined = (
            ctx.saved_tensors
        )
        time, batch, source, attention_size = compared.shape
        size, context_size = cells.shape[-1], annotations.shape[-1]
        dtype = recurrent_weight.dtype
        new = gates.new_empty
        query_weight_t, recurrent_weight_t = query_weight.t(), recurrent_weight.t()
        gates_gradients = new(gates.shape, dtype=dtype)
        context_gradients = new(time, batch, context_size)
        query_gradients = new(time, batch, attention_size, dtype=dtype)
        carried, cell_gradient = gates.new_zeros(batch, size), gates.new_zeros(batch, size)
        output_gradient, context_gradient = output_gradient.contiguous(), context_gradient.contiguous()
        steps, attention = cell_steps(recurrent_weight), attention_steps(recurrent_weight, source)
        looks = attention.LookingBack(annotations, energy, weights, compared)
        for t in reversed(range(time)):
            steps.retreat(
                carried, output_gradient[t], cell_gradient, gates[t], cells[t], cell_tanhs[t], gates_gradients[t]
            )
            joined_gradient = gates_gradients[t] @ recurrent_weight_t
            torch.add(context_gradient[t], joined_gradient[:, :context_size], out=context_gradients[t])
            looks.backward(t, context_gradients[t], query_gradients[t])
            carried = torch.add(joined_gradient[:, context_size:], query_gradients[t] @ query_weight_t)
        keys_gradient, energy_gradient = looks.gradients()
        rows = time * batch
        inputs = joined[:-1].reshape(rows, -1)
        return (
            gates_gradients,
            keys_gradient,
            torch.bmm(weights.permute(1, 2, 0), context_gradients.transpose(0, 1)),
            None,
            accurate(carried),
            inputs[:, context_size:].t() @ query_gradients.view(rows, -1),
            energy_gradient,
            inputs.t() @ gates_gradients.view(rows, -1),
            None,
        )


_run_additive_attention = cast("Callable[..., tuple[Tensor, Tensor, Tensor]]", _AdditiveAttentionLoop.apply)


def additive_attention_loop(
    input_gates: Tensor,
    keys: Tensor,
    annotations: Tensor,
    mask: Tensor,
    hidden: Tensor,
    query_weight: Tensor,
    energy: Tensor,
    recurrent_weight: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Runs the attentional LSTM of Bahdanau et al. (2015) over all target words at once.

    Args:
        input_gates: (T, B, 4H), what the embedded target words and the bias add to the gates, in the weights' type.
        keys: (B, S, A) projected annotations; annotations: (B, S, C).
        mask: (B, S) bool, True at tokens.
        hidden: (B, H), the state to start from; the cell starts from zero.
        query_weight: (H, A); energy: (A,); recurrent_weight: (C + H, 4H), for [context; hidden]. The two matrices are
            in the type in which their products are to run.

    Returns hidden states (T, B, H) and contexts (T, B, C) in the products' type, and attention weights (T, B, S), which
    carry no gradient. Without gradient nothing of the size T·B·S·A is kept.
    """
    # A GPU waits for memory most of all; a processor is slow to convert.
    on_cpu = input_gates.device.type == "cpu"
    with torch.autocast(input_gates.device.type, enabled=False):
        return _run_additive_attention(
            input_gates.to(recurrent_weight.dtype),
            accurate(keys) if on_cpu else keys.to(recurrent_weight.dtype),
            accurate(annotations) if on_cpu else annotations.to(recurrent_weight.dtype),
            ~mask,
            accurate(hidden),
            query_weight,
            energy,
            recurrent_weight,
            torch.is_grad_enabled(),
        )
