"""The loops over time, each as one operation with a backward pass derived by hand.

Autograd's own backward through a Python loop fills and adds a whole tensor at every step. Here every product that
does not depend on the recurrence is hoisted out of the loop, buffers are time-major and allocated once, and each
weight's gradient is one product after the loop. Products run in the type of the weights that are handed over
(float32, float64 or bfloat16); elementwise work and cell states stay in float32 (float64 for float64).

The gates of an LSTM lie in the order input, forget, output, candidate, so that one sigmoid covers the first three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def for_products(weight: Tensor) -> Tensor:
    """The weight in the type that autocast asks products to run in; as it is where autocast is off."""
    device_type = weight.device.type
    if torch.is_autocast_enabled(device_type):
        return weight.to(torch.get_autocast_dtype(device_type))
    return weight


def accurate(values: Tensor) -> Tensor:
    """The values in a type fit for elementwise work: bfloat16 becomes float32."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def _cell_forward(gates: Tensor, previous_cell: Tensor, cell: Tensor, cell_tanh: Tensor) -> Tensor:
    """One LSTM transition in place: `gates` (·, 4H) become their activations; fills both cells; returns hidden."""
    hidden_size = cell.shape[-1]
    gates[..., : 3 * hidden_size].sigmoid_()
    gates[..., 3 * hidden_size :].tanh_()
    into, forget, out, candidate = gates.split(hidden_size, -1)
    torch.mul(forget, previous_cell, out=cell)
    cell.addcmul_(into, candidate)
    torch.tanh(cell, out=cell_tanh)
    hidden: Tensor = out * cell_tanh
    return hidden


def _cell_backward(
    hidden_gradient: Tensor,
    cell_gradient: Tensor,
    gates: Tensor,
    previous_cell: Tensor,
    cell_tanh: Tensor,
    gates_gradient: Tensor,
) -> None:
    """The gradient of `_cell_forward`: fills `gates_gradient`, turns `cell_gradient` into the previous cell's."""
    hidden_size = previous_cell.shape[-1]
    into, forget, out, candidate = gates.split(hidden_size, -1)
    into_gradient, forget_gradient, out_gradient, candidate_gradient = gates_gradient.split(hidden_size, -1)
    through_out = hidden_gradient * out
    # cell += hidden · out · (1 − tanh²)
    cell_gradient.add_(through_out).addcmul_(through_out, cell_tanh.square(), value=-1)
    torch.mul(hidden_gradient, cell_tanh, out=out_gradient)
    torch.mul(cell_gradient, candidate, out=into_gradient)
    torch.mul(cell_gradient, previous_cell, out=forget_gradient)
    torch.mul(cell_gradient, into, out=candidate_gradient)
    cell_gradient.mul_(forget)
    squashed = gates[..., : 3 * hidden_size]
    gates_gradient[..., : 3 * hidden_size].mul_(torch.addcmul(squashed, squashed, squashed, value=-1))
    candidate_gradient.addcmul_(candidate_gradient * candidate, candidate, value=-1)


class _LSTMLoop(Function):
    """`D` independent LSTMs over time; see `lstm_loop`."""

    @staticmethod
    def forward(ctx: Any, input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor) -> Tensor:
        directions, time, batch, gate_size = input_gates.shape
        size = gate_size // 4
        new = input_gates.new_empty
        gates = new(directions, time, batch, gate_size)  # activations
        cells, cell_tanhs = new(directions, time + 1, batch, size), new(directions, time, batch, size)
        cells[:, 0] = 0
        hiddens = recurrent_weight.new_empty(directions, time + 1, batch, size)  # in the products' type
        hiddens[:, 0] = hidden
        outputs = new(directions, time, batch, size)
        for t in range(time):
            torch.add(input_gates[:, t], torch.bmm(hiddens[:, t], recurrent_weight), out=gates[:, t])
            outputs[:, t] = _cell_forward(gates[:, t], cells[:, t], cells[:, t + 1], cell_tanhs[:, t])
            hiddens[:, t + 1] = outputs[:, t]
        ctx.save_for_backward(recurrent_weight, gates, cells, cell_tanhs, hiddens)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, output_gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        recurrent_weight, gates, cells, cell_tanhs, hiddens = ctx.saved_tensors
        directions, time, batch, size = cell_tanhs.shape
        weight_t = recurrent_weight.transpose(1, 2)
        gates_gradient = torch.empty_like(gates)
        products_gradient = torch.empty_like(gates, dtype=recurrent_weight.dtype)
        carried = cells.new_zeros(directions, batch, size)
        cell_gradient = torch.zeros_like(carried)
        for t in reversed(range(time)):
            _cell_backward(
                output_gradient[:, t] + carried,
                cell_gradient,
                gates[:, t],
                cells[:, t],
                cell_tanhs[:, t],
                gates_gradient[:, t],
            )
            products_gradient[:, t] = gates_gradient[:, t]
            carried = torch.bmm(products_gradient[:, t], weight_t).to(cells.dtype)
        weight_gradient = torch.bmm(
            hiddens[:, :-1].reshape(directions, time * batch, size).transpose(1, 2),
            products_gradient.view(directions, time * batch, -1),
        )
        return gates_gradient, weight_gradient, carried


_run_lstm = cast("Callable[..., Tensor]", _LSTMLoop.apply)


def lstm_loop(input_gates: Tensor, recurrent_weight: Tensor, hidden: Tensor | None = None) -> Tensor:
    """Runs `D` LSTMs side by side over time.

    Args:
        input_gates: (D, T, B, 4H), what input and bias add to the gates.
        recurrent_weight: (D, H, 4H), in the type in which its products are to run.
        hidden: (D, B, H), the state to start from; zero when left out. The cells start from zero.

    Returns the hidden states, (D, T, B, H).
    """
    if hidden is None:
        hidden = input_gates.new_zeros(input_gates.shape[0], input_gates.shape[2], recurrent_weight.shape[1])
    with torch.autocast(input_gates.device.type, enabled=False):
        return _run_lstm(accurate(input_gates), recurrent_weight, accurate(hidden))


class _AdditiveAttentionLoop(Function):
    """The attentional LSTM over time; see `additive_attention_loop`."""

    @staticmethod
    def forward(
        ctx: Any,
        input_gates: Tensor,
        keys: Tensor,
        annotations: Tensor,
        mask: Tensor,
        hidden: Tensor,
        query_weight: Tensor,
        energy: Tensor,
        recurrent_weight: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        time, batch, gate_size = input_gates.shape
        size = gate_size // 4
        source, context_size = annotations.shape[1:]
        new = input_gates.new_empty
        compared = new(time, batch, source, keys.shape[2])  # tanh(query + key), kept for the backward pass
        weights = new(time, batch, source)
        gates, cell_tanhs = new(time, batch, gate_size), new(time, batch, size)
        cells = new(time + 1, batch, size)
        cells[0] = 0
        # What the recurrent product reads, [context; previous hidden], in the products' type.
        joined = recurrent_weight.new_empty(time + 1, batch, context_size + size)
        joined[0, :, context_size:] = hidden
        outputs, contexts = new(time, batch, size), new(time, batch, context_size)
        for t in range(time):
            query = joined[t, :, context_size:] @ query_weight
            torch.add(keys, query[:, None], out=compared[t]).tanh_()
            scores = (compared[t] @ energy).masked_fill_(mask, float("-inf"))
            torch.softmax(scores, -1, out=weights[t])
            context = torch.bmm(weights[t].to(annotations.dtype)[:, None], annotations)[:, 0]
            contexts[t] = context
            joined[t, :, :context_size] = context
            torch.add(input_gates[t], joined[t] @ recurrent_weight, out=gates[t])
            outputs[t] = _cell_forward(gates[t], cells[t], cells[t + 1], cell_tanhs[t])
            joined[t + 1, :, context_size:] = outputs[t]
        ctx.save_for_backward(
            annotations, query_weight, energy, recurrent_weight, compared, weights, gates, cells, cell_tanhs, joined
        )
        ctx.mark_non_differentiable(weights)
        return outputs, contexts, weights

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
        gates_gradient = new(gates.shape)
        gates_products = new(gates.shape, dtype=dtype)
        context_gradients = new(time, batch, context_size, dtype=annotations.dtype)
        score_gradients = new(weights.shape)
        query_gradients = new(time, batch, attention_size, dtype=dtype)
        key_gradient = gates.new_zeros(batch, source, attention_size)  # divided by energy until the end
        slope = new(batch, source, attention_size)
        carried = gates.new_zeros(batch, size)
        cell_gradient = gates.new_zeros(batch, size)
        for t in reversed(range(time)):
            hidden_gradient = output_gradient[t] + carried
            _cell_backward(hidden_gradient, cell_gradient, gates[t], cells[t], cell_tanhs[t], gates_gradient[t])
            gates_products[t] = gates_gradient[t]
            joined_gradient = gates_products[t] @ recurrent_weight_t
            torch.add(context_gradient[t], joined_gradient[:, :context_size], out=context_gradients[t])
            weight_gradient = torch.bmm(annotations, context_gradients[t][:, :, None])[:, :, 0].to(gates.dtype)
            weighted = weights[t] * weight_gradient
            torch.addcmul(weighted, weights[t], weighted.sum(-1, keepdim=True), value=-1, out=score_gradients[t])
            # tanh' = 1 − tanh²; the factor `energy` common to all is multiplied in at the end.
            torch.mul(compared[t], compared[t], out=slope).neg_().add_(1)
            slope.mul_(score_gradients[t][:, :, None])
            key_gradient.add_(slope)
            query_gradients[t] = slope.sum(1).mul_(energy)
            carried = torch.add(joined_gradient[:, context_size:], query_gradients[t] @ query_weight_t).to(gates.dtype)
        rows = time * batch
        inputs = joined[:-1].reshape(rows, -1)
        return (
            gates_gradient,
            key_gradient.mul_(energy),
            torch.bmm(weights.permute(1, 2, 0).to(annotations.dtype), context_gradients.transpose(0, 1)),
            None,
            carried,
            inputs[:, context_size:].t() @ query_gradients.view(rows, -1),
            score_gradients.view(-1) @ compared.view(-1, attention_size),
            inputs.t() @ gates_products.view(rows, -1),
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
        input_gates: (T, B, 4H), what the embedded target words and the bias add to the gates.
        keys: (B, S, A) projected annotations; annotations: (B, S, C).
        mask: (B, S) bool, True at tokens.
        hidden: (B, H), the state to start from; the cell starts from zero.
        query_weight: (H, A); energy: (A,); recurrent_weight: (C + H, 4H), for [context; hidden]. The two matrices are
            in the type in which their products are to run.

    Returns hidden states (T, B, H), contexts (T, B, C) and attention weights (T, B, S); the weights carry no gradient.
    """
    with torch.autocast(input_gates.device.type, enabled=False):
        return _run_additive_attention(
            accurate(input_gates),
            accurate(keys),
            annotations.to(recurrent_weight.dtype),
            ~mask,
            accurate(hidden),
            query_weight,
            energy,
            recurrent_weight,
        )
