"""The attentional LSTM over all target words as one operation with a backward pass derived by hand.

Its structure is that of `nmt.model.kernels.lstm_loop`: what does not depend on the recurrence leaves the loop, buffers
are time-major and allocated once, and each weight's gradient is one product after the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from nmt.model.kernels.dispatch import choose_kernels
from nmt.model.kernels.dot_attention import DotBackward, DotForward
from nmt.model.kernels.interface import AttentionBackward, AttentionForward, Kernels
from nmt.model.kernels.matmul import accurate, mm, outside_autocast
from nmt.model.kernels.onednn import filled_up
from nmt.model.kernels.shared_storage import taken_once, values_and_gradients


class LoopWeights(NamedTuple):
    """The weights of the loop; matrices are in the number type in which their products run.

    With `query` and `energy` the score is additive, energy · tanh(query · state + key); without, it is the product of
    state and key (Luong et al. 2015). With `word` and `context_bias` there are two transitions a word, as in Nematus:
    the first reads the word and makes the state that queries, the second reads the context and that state.
    """

    recurrent: Tensor  # (C + H, 4H), for [context; hidden]
    query: Tensor | None = None  # (H, A)
    energy: Tensor | None = None  # (A,)
    word: Tensor | None = None  # (H, 4H), of the first transition
    context_bias: Tensor | None = None  # (4H,), of the second


class _Transitions(NamedTuple):
    """The values of an LSTM transition a word that the backward pass needs, and room for its gradients."""

    gates: Tensor  # (T, B, 4H) activations
    gates_gradients: Tensor  # (T, B, 4H), of the products' type, in the same memory (`values_and_gradients`)
    cells: Tensor  # (T, B, H) after each transition
    cell_tanhs: Tensor  # (T, B, H)

    @classmethod
    def empty(cls, like: Tensor, time: int, dtype: torch.dtype) -> Self:
        """Allocates buffers for `time` words, hidden states `like` (B, H), and products in `dtype`."""
        batch, size = like.shape
        gates, gradients = (each[0] for each in values_and_gradients(like, (1, time, batch, 4 * size), dtype))
        return cls(gates, gradients, *(like.new_empty(time, batch, size) for _ in range(2)))


class _AttentionLoop(Function):
    """The operation behind `attention_loop`; autograd requires every tensor as an argument of its own."""

    @staticmethod
    def forward(
        ctx: Any,
        input_gates: Tensor,
        keys: Tensor,
        annotations: Tensor,
        padding: Tensor,
        hidden: Tensor,
        with_gradient: bool,
        weights_learn: bool,
        kernels: Kernels,
        *loop_weights: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        weight = LoopWeights(*cast("Any", loop_weights))
        time, batch, _ = input_gates.shape
        source, context_size = annotations.shape[1:]
        dtype = weight.recurrent.dtype
        # For the backward pass, in the products' type: values of tanh(query + key), or the queries they are made from.
        of_step = (batch, keys.shape[-1]) if kernels.keeps_queries else keys.shape
        is_kept = with_gradient and weight.energy is not None
        kept = hidden.new_empty(time if is_kept else 0, *of_step, dtype=dtype)
        weights = hidden.new_empty(time, batch, source)
        attended, word = _Transitions.empty(hidden, time, dtype), None
        zeros = torch.zeros_like(hidden)
        # The input of the recurrent product, [context; hidden state that queries], in the products' type.
        joined = hidden.new_empty(time + 1, batch, context_size + hidden.shape[1], dtype=dtype)
        queries = joined[:, :, context_size:]
        hiddens, gates_after_attention = queries, input_gates
        if weight.word is not None and weight.context_bias is not None:
            word = _Transitions.empty(hidden, time, dtype)
            hiddens = queries.new_empty(*queries.shape)
            gates_after_attention = weight.context_bias.to(dtype).expand_as(input_gates)
        hiddens[0] = hidden
        lstm_step = kernels.lstm_step
        attention: AttentionForward
        if weight.energy is None:
            attention = DotForward(keys, annotations, padding, weights)
        else:
            attention = kernels.additive_forward(keys, annotations, padding, weight.energy, weights, kept)
        for t in range(time):
            cell = attended.cells[t - 1] if t else zeros
            if word is not None and weight.word is not None:
                recurrent = mm(hiddens[t], weight.word)
                lstm_step(recurrent, input_gates[t], word.gates[t], cell, word.cells[t], word.cell_tanhs[t], queries[t])
                cell = word.cells[t]
            attention.forward(t, _projected(queries[t], weight.query), joined[t, :, :context_size])
            recurrent, added = mm(joined[t], weight.recurrent), gates_after_attention[t]
            filled = attended.gates[t], cell, attended.cells[t], attended.cell_tanhs[t], hiddens[t + 1]
            lstm_step(recurrent, added, *filled)
        ctx.save_for_backward(keys, annotations, *loop_weights[:-1], weights, joined, hiddens)
        ctx.taken, ctx.weights_learn, ctx.kernels = (kept, attended, word), weights_learn, kernels
        if not weights_learn:
            ctx.mark_non_differentiable(weights)
        return hiddens[1:], joined[:-1, :, :context_size], weights

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, output_gradient: Tensor, context_gradient: Tensor, weights_gradient: Tensor
    ) -> tuple[Tensor | None, ...]:
        keys, annotations, *loop_weights = ctx.saved_tensors[:6]
        weight = LoopWeights(*loop_weights)
        weights, joined, hiddens = ctx.saved_tensors[6:]
        kept, attended, word = taken_once(ctx)
        context_size, dtype = annotations.shape[-1], weight.recurrent.dtype
        queries = joined[:-1, :, context_size:]
        gates_gradients, word_gradients = attended.gates_gradients, None if word is None else word.gates_gradients
        context_gradients = weights.new_empty(*context_gradient.shape)
        query_gradients = weights.new_empty(*weights.shape[:2], keys.shape[-1], dtype=dtype)
        kernels: Kernels = ctx.kernels
        attention: AttentionBackward
        if weight.energy is None:
            attention = DotBackward(keys, annotations, weights, queries)
        else:
            attention = kernels.additive_backward(keys, annotations, weight.energy, weights, kept)
        carried = _through_time(
            (
                output_gradient.contiguous(),
                context_gradient.contiguous(),
                weights_gradient if ctx.weights_learn else None,
            ),
            (context_gradients, query_gradients),
            weight,
            (attended, word),
            attention,
            kernels,
        )
        keys_gradient, energy_gradient = attention.gradients()
        del kept, attended, word, attention  # before the products that follow need memory
        return (
            gates_gradients if word_gradients is None else word_gradients,
            keys_gradient,
            torch.bmm(weights.permute(1, 2, 0), context_gradients.transpose(0, 1)),
            None,
            accurate(carried),
            None,
            None,
            None,
            _over_all_steps(joined[:-1], gates_gradients),
            None if weight.query is None else _over_all_steps(queries, query_gradients),
            energy_gradient,
            None if word_gradients is None else _over_all_steps(hiddens[:-1], word_gradients),
            None if word_gradients is None else kernels.sum_rows(gates_gradients.flatten(0, 1)),
        )


def _through_time(
    of_outputs: tuple[Tensor, Tensor, Tensor | None],
    to_fill: tuple[Tensor, Tensor],
    weight: LoopWeights,
    transitions: tuple[_Transitions, _Transitions | None],
    attention: AttentionBackward,
    kernels: Kernels,
) -> Tensor:
    """Runs the loop from the last step to the first, and returns the gradient of the initial hidden state (B, H).

    It takes the gradients of hidden states, contexts and, where these learn, weights; it fills those of the contexts
    (T, B, C) and of the queries (T, B, A) of all steps, and those of the gates.
    """
    (output_gradient, context_gradient, weights_gradient), (attended, word) = of_outputs, transitions
    context_gradients, query_gradients = to_fill
    context_size = context_gradients.shape[-1]
    zeros = torch.zeros_like(attended.cells[0])
    cell_gradient = torch.zeros_like(zeros)
    nothing, carried = attended.gates_gradients.new_zeros(2, *zeros.shape).unbind()
    for t in reversed(range(len(attended.cells))):
        before = attended.cells[t - 1] if t else zeros
        cell = before if word is None else word.cells[t]
        filled = attended.gates_gradients[t]
        saved = attended.gates[t], cell, attended.cell_tanhs[t]
        kernels.lstm_step_backward(carried, output_gradient[t], cell_gradient, *saved, filled)
        joined_gradient = mm(filled, weight.recurrent.t())
        torch.add(context_gradient[t], joined_gradient[:, :context_size], out=context_gradients[t])
        of_weights = None if weights_gradient is None else weights_gradient[t]
        attention.backward(t, context_gradients[t], query_gradients[t], of_weights)
        through_query = _projected(query_gradients[t], None if weight.query is None else weight.query.t())
        carried = torch.add(joined_gradient[:, context_size:], through_query)
        if word is not None and weight.word is not None:
            filled = word.gates_gradients[t]
            saved = word.gates[t], before, word.cell_tanhs[t]
            kernels.lstm_step_backward(carried, nothing, cell_gradient, *saved, filled)
            carried = mm(filled, weight.word.t())
    return carried


def _projected(rows: Tensor, weight: Tensor | None) -> Tensor:
    return rows if weight is None else mm(rows, weight)


def _over_all_steps(inputs: Tensor, gradients: Tensor) -> Tensor:
    """Computes the gradient of a weight, (I, O), from its inputs (T, B, I) and its outputs' gradients (T, B, O)."""
    return mm(filled_up(inputs.flatten(0, 1)).t(), filled_up(gradients.flatten(0, 1)))


_run = cast("Callable[..., tuple[Tensor, Tensor, Tensor]]", _AttentionLoop.apply)


def attention_loop(
    input_gates: Tensor,
    keys: Tensor,
    annotations: Tensor,
    mask: Tensor,
    hidden: Tensor,
    weights: LoopWeights,
    *,
    weights_learn: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Runs the attentional LSTM of Bahdanau et al. (2015) over all target words at once.

    Takes `input_gates` (T, B, 4H), what the embedded target words and the bias add to the gates, in the weights' type;
    `keys` (B, S, A), or (B, S, H) for products of query and key; `annotations` (B, S, C); `mask` (B, S) bool, True at
    tokens; and the initial state `hidden` (B, H). The cell starts from zero.

    Returns hidden states (T, B, H) and contexts (T, B, C) in the products' type, and attention weights (T, B, S), which
    carry a gradient only if `weights_learn`. Without gradient nothing of the size T·B·S·A is kept. The backward pass
    can run once.
    """
    dtype, with_gradient = weights.recurrent.dtype, torch.is_grad_enabled()
    kernels = choose_kernels(weights.recurrent, source=keys.shape[1])
    # Memory is what most time goes to, but torch is slow to convert on a CPU.
    widened = input_gates.device.type == "cpu" and not (kernels.widens and weights.energy is not None)
    with outside_autocast(input_gates.device):
        return _run(
            input_gates.to(dtype),
            accurate(keys) if widened else keys.to(dtype),
            accurate(annotations) if widened else annotations.to(dtype),
            ~mask,
            accurate(hidden),
            with_gradient,
            weights_learn,
            kernels,
            *weights,
        )
