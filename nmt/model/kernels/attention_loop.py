"""The attentional LSTM over all target words as one operation with a backward pass derived by hand.

As in `nmt.model.kernels.lstm_loop`: what does not depend on the recurrence is hoisted out of the loop, buffers are time-major
and allocated once, and each weight's gradient is one product after the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from nmt.model.kernels import dot_attention
from nmt.model.kernels.dispatch import attention_steps, cell_steps
from nmt.model.kernels.matmul import accurate, filled_up, mm, outside_autocast


class _Transitions(NamedTuple):
    """What one LSTM transition a word leaves for the backward pass."""

    gates: Tensor  # (T, B, 4H) activations
    cells: Tensor  # (T, B, H) after each transition
    cell_tanhs: Tensor  # (T, B, H)

    @classmethod
    def empty(cls, like: Tensor, time: int) -> Self:
        """For `time` words and hidden states `like` (B, H)."""
        batch, size = like.shape
        new = like.new_empty
        return cls(new(time, batch, 4 * size), new(time, batch, size), new(time, batch, size))


class _AttentionLoop(Function):
    """See `attention_loop`; without the word's own transition `word_weight` and `context_bias` are None."""

    @staticmethod
    def forward(
        ctx: Any,
        input_gates: Tensor,
        keys: Tensor,
        annotations: Tensor,
        padding: Tensor,
        hidden: Tensor,
        recurrent_weight: Tensor,
        query_weight: Tensor | None,
        energy: Tensor | None,
        word_weight: Tensor | None,
        context_bias: Tensor | None,
        with_gradient: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        time, batch, _ = input_gates.shape
        source, context_size = annotations.shape[1:]
        dtype = recurrent_weight.dtype
        # tanh(query + key), kept for the backward pass in the products' type.
        compared = hidden.new_empty(time if with_gradient else 0, *keys.shape, dtype=dtype)
        weights = hidden.new_empty(time, batch, source)
        look, word = _Transitions.empty(hidden, time), None
        nothing = torch.zeros_like(hidden)
        # What the recurrent product reads, [context; hidden state that queries], in the products' type.
        joined = hidden.new_empty(time + 1, batch, context_size + hidden.shape[1], dtype=dtype)
        queries = joined[:, :, context_size:]
        hiddens, added_after_look = queries, input_gates
        if word_weight is not None and context_bias is not None:
            word = _Transitions.empty(hidden, time)
            hiddens = torch.empty_like(queries, memory_format=torch.contiguous_format)
            added_after_look = context_bias.to(dtype).expand_as(input_gates)
        hiddens[0] = hidden
        steps = cell_steps(recurrent_weight)
        if energy is None:
            looks = dot_attention.Looking(keys, annotations, padding, weights)
        else:
            additive = attention_steps(recurrent_weight, source)
            looks = additive.Looking(keys, annotations, padding, energy, weights, compared)
        for t in range(time):
            cell = look.cells[t - 1] if t else nothing
            if word is not None and word_weight is not None:
                recurrent, added = mm(hiddens[t], word_weight), input_gates[t]
                steps.advance(recurrent, added, word.gates[t], cell, word.cells[t], word.cell_tanhs[t], queries[t])
                cell = word.cells[t]
            looks.forward(t, _projected(queries[t], query_weight), joined[t, :, :context_size])
            recurrent, added = mm(joined[t], recurrent_weight), added_after_look[t]
            steps.advance(recurrent, added, look.gates[t], cell, look.cells[t], look.cell_tanhs[t], hiddens[t + 1])
        tensors = keys, annotations, recurrent_weight, query_weight, energy, word_weight, compared, weights
        ctx.save_for_backward(*tensors, joined, None if word is None else hiddens, *look, *(word or (None,) * 3))
        ctx.mark_non_differentiable(weights)
        return hiddens[1:], joined[:-1, :, :context_size], weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, output_gradient: Tensor, context_gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        keys, annotations, recurrent_weight, query_weight, energy, word_weight, compared, weights = ctx.saved_tensors[
            :8
        ]
        joined, hiddens, *transitions = ctx.saved_tensors[8:]
        look, word = _Transitions(*transitions[:3]), None if hiddens is None else _Transitions(*transitions[3:])
        time, batch, source = weights.shape
        context_size, dtype = annotations.shape[-1], recurrent_weight.dtype
        queries = joined[:-1, :, context_size:]
        gates_gradients = torch.empty_like(look.gates, dtype=dtype)
        word_gradients = None if word is None else torch.empty_like(gates_gradients)
        context_gradients = weights.new_empty(time, batch, context_size)
        query_gradients = gates_gradients.new_empty(time, batch, keys.shape[-1])
        nothing = torch.zeros_like(look.cells[0])
        carried, cell_gradient = torch.zeros_like(nothing), torch.zeros_like(nothing)
        output_gradient, context_gradient = output_gradient.contiguous(), context_gradient.contiguous()
        steps = cell_steps(recurrent_weight)
        if energy is None:
            looks = dot_attention.LookingBack(keys, annotations, weights, queries)
        else:
            looks = attention_steps(recurrent_weight, source).LookingBack(annotations, energy, weights, compared)
        for t in reversed(range(time)):
            before = look.cells[t - 1] if t else nothing
            cell = before if word is None else word.cells[t]
            filled = gates_gradients[t]
            steps.retreat(carried, output_gradient[t], cell_gradient, look.gates[t], cell, look.cell_tanhs[t], filled)
            joined_gradient = mm(filled, recurrent_weight.t())
            torch.add(context_gradient[t], joined_gradient[:, :context_size], out=context_gradients[t])
            looks.backward(t, context_gradients[t], query_gradients[t])
            through_query = _projected(query_gradients[t], None if query_weight is None else query_weight.t())
            carried = torch.add(joined_gradient[:, context_size:], through_query)
            if word is not None and word_gradients is not None:
                filled = word_gradients[t]
                steps.retreat(carried, nothing, cell_gradient, word.gates[t], before, word.cell_tanhs[t], filled)
                carried = mm(filled, word_weight.t())
        keys_gradient, energy_gradient = looks.gradients()
        return (
            gates_gradients if word_gradients is None else word_gradients,
            keys_gradient,
            torch.bmm(weights.permute(1, 2, 0), context_gradients.transpose(0, 1)),
            None,
            accurate(carried),
            _over_all_steps(joined[:-1], gates_gradients),
            None if query_weight is None else _over_all_steps(queries, query_gradients),
            energy_gradient,
            None if word_gradients is None else _over_all_steps(hiddens[:-1], word_gradients),
            None if word_gradients is None else gates_gradients.sum((0, 1), dtype=weights.dtype),
            None,
        )


def _projected(rows: Tensor, weight: Tensor | None) -> Tensor:
    return rows if weight is None else mm(rows, weight)


def _over_all_steps(inputs: Tensor, gradients: Tensor) -> Tensor:
    """The gradient of a weight from what it read (T, B, I) and the gradient of what it made (T, B, O): (I, O)."""
    return mm(filled_up(inputs.flatten(0, 1)).t(), filled_up(gradients.flatten(0, 1)))


_run = cast("Callable[..., tuple[Tensor, Tensor, Tensor]]", _AttentionLoop.apply)


def attention_loop(
    input_gates: Tensor,
    keys: Tensor,
    annotations: Tensor,
    mask: Tensor,
    hidden: Tensor,
    recurrent_weight: Tensor,
    query_weight: Tensor | None = None,
    energy: Tensor | None = None,
    word_weight: Tensor | None = None,
    context_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Runs the attentional LSTM of Bahdanau et al. (2015) over all target words at once.

    With `query_weight` and `energy` the score is additive, energy · tanh(query_weight · state + key); without, it is
    the product of state and key (Luong et al. 2015). With `word_weight` and `context_bias` there are two transitions a
    word, as in Nematus: the first reads the word and makes the state that queries, the second reads the context and
    that state.

    Args:
        input_gates: (T, B, 4H), what the embedded target words and the bias add to the gates, in the weights' type.
        keys: (B, S, A), or (B, S, H) for products; annotations: (B, S, C).
        mask: (B, S) bool, True at tokens.
        hidden: (B, H), the state to start from; the cell starts from zero.
        recurrent_weight: (C + H, 4H), for [context; hidden].
        query_weight: (H, A); energy: (A,).
        word_weight: (H, 4H), of the first transition; context_bias: (4H,), of the second.

    The matrices are in the type in which their products are to run.

    Returns hidden states (T, B, H) and contexts (T, B, C) in the products' type, and attention weights (T, B, S), which
    carry no gradient. Without gradient nothing of the size T·B·S·A is kept.
    """
    # A GPU waits for memory most of all; a processor is slow to convert.
    on_cpu = input_gates.device.type == "cpu"
    with outside_autocast(input_gates.device):
        return _run(
            input_gates.to(recurrent_weight.dtype),
            accurate(keys) if on_cpu else keys.to(recurrent_weight.dtype),
            accurate(annotations) if on_cpu else annotations.to(recurrent_weight.dtype),
            ~mask,
            accurate(hidden),
            recurrent_weight,
            query_weight,
            energy,
            word_weight,
            context_bias,
            torch.is_grad_enabled(),
        )
