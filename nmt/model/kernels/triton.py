"""The elementwise work of the loops over time in Triton, each step in a few passes over memory.

Imported only if there is a GPU and Triton comes with torch. `nmt.model.kernels.lstm_cell` and
`nmt.model.kernels.additive_attention` do the same in torch's own operations, and state what is computed. All tensors
are contiguous in their last dimension, in float32 or bfloat16; numbers are float32 in between.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from nmt.model.kernels.interface import Kernels
from nmt.model.kernels.rows import sum_rows

_UNITS = 256  # of an LSTM, in one program
_TILE_NUMBERS = 4096


@triton.jit
def _tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def _place(tensor, direction_stride, row_stride):
    return tensor + tl.program_id(1).to(tl.int64) * direction_stride + tl.program_id(0).to(tl.int64) * row_stride


@triton.jit
def _lstm_step(
    recurrent, input_gates, gates, previous_cell, cell, cell_tanh, hidden,
    recurrent_d, recurrent_b, input_gates_d, input_gates_b, gates_d, gates_b, previous_cell_d, previous_cell_b,
    cell_d, cell_b, cell_tanh_d, cell_tanh_b, hidden_d, hidden_b,
    size, BLOCK: tl.constexpr,
):  # fmt: skip
    units = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    inside = units < size
    recurrent = _place(recurrent, recurrent_d, recurrent_b) + units
    input_gates = _place(input_gates, input_gates_d, input_gates_b) + units
    gates = _place(gates, gates_d, gates_b) + units
    into = tl.sigmoid(_sum(input_gates, recurrent, 0, inside))
    forget = tl.sigmoid(_sum(input_gates, recurrent, size, inside))
    out = tl.sigmoid(_sum(input_gates, recurrent, 2 * size, inside))
    candidate = _tanh(_sum(input_gates, recurrent, 3 * size, inside))
    tl.store(gates, into, mask=inside)
    tl.store(gates + size, forget, mask=inside)
    tl.store(gates + 2 * size, out, mask=inside)
    tl.store(gates + 3 * size, candidate, mask=inside)
    previous = tl.load(_place(previous_cell, previous_cell_d, previous_cell_b) + units, mask=inside, other=0.0)
    now = forget * previous + into * candidate
    now_tanh = _tanh(now)
    tl.store(_place(cell, cell_d, cell_b) + units, now, mask=inside)
    tl.store(_place(cell_tanh, cell_tanh_d, cell_tanh_b) + units, now_tanh, mask=inside)
    hidden = _place(hidden, hidden_d, hidden_b) + units
    tl.store(hidden, (out * now_tanh).to(hidden.dtype.element_ty), mask=inside)


@triton.jit
def _sum(first, second, offset, inside):
    addend = tl.load(first + offset, mask=inside, other=0.0).to(tl.float32)
    return addend + tl.load(second + offset, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _lstm_step_backward(
    carried, output_gradient, cell_gradient, gates, previous_cell, cell_tanh, gates_gradient,
    carried_d, carried_b, output_gradient_d, output_gradient_b, cell_gradient_d, cell_gradient_b, gates_d, gates_b,
    previous_cell_d, previous_cell_b, cell_tanh_d, cell_tanh_b, gates_gradient_d, gates_gradient_b,
    size, BLOCK: tl.constexpr,
):  # fmt: skip
    units = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    inside = units < size
    carried = _place(carried, carried_d, carried_b) + units
    output_gradient = _place(output_gradient, output_gradient_d, output_gradient_b) + units
    hidden_gradient = _sum(carried, output_gradient, 0, inside)
    gates = _place(gates, gates_d, gates_b) + units
    into = tl.load(gates, mask=inside, other=0.0)
    forget = tl.load(gates + size, mask=inside, other=0.0)
    out = tl.load(gates + 2 * size, mask=inside, other=0.0)
    candidate = tl.load(gates + 3 * size, mask=inside, other=0.0)
    previous = tl.load(_place(previous_cell, previous_cell_d, previous_cell_b) + units, mask=inside, other=0.0)
    now_tanh = tl.load(_place(cell_tanh, cell_tanh_d, cell_tanh_b) + units, mask=inside, other=0.0)
    cell_gradient = _place(cell_gradient, cell_gradient_d, cell_gradient_b) + units
    through = tl.load(cell_gradient, mask=inside, other=0.0) + hidden_gradient * out * (1 - now_tanh * now_tanh)
    tl.store(cell_gradient, through * forget, mask=inside)
    gates_gradient = _place(gates_gradient, gates_gradient_d, gates_gradient_b) + units
    kind = gates_gradient.dtype.element_ty
    tl.store(gates_gradient, (through * candidate * into * (1 - into)).to(kind), mask=inside)
    tl.store(gates_gradient + size, (through * previous * forget * (1 - forget)).to(kind), mask=inside)
    tl.store(gates_gradient + 2 * size, (hidden_gradient * now_tanh * out * (1 - out)).to(kind), mask=inside)
    tl.store(gates_gradient + 3 * size, (through * into * (1 - candidate * candidate)).to(kind), mask=inside)


def _launch(kernel, *given):
    """Launches a program for each block of units of each row of (D, B, ·) or (B, ·), as many as `cell_tanh` has."""
    tensors = [tensor if tensor.dim() == 3 else tensor[None] for tensor in given]
    assert all(tensor.stride(2) == 1 for tensor in tensors)
    strides = [stride for tensor in tensors for stride in tensor.stride()[:2]]
    directions, rows, size = tensors[5].shape
    block = min(_UNITS, triton.next_power_of_2(size))
    kernel[rows, directions, triton.cdiv(size, block)](*tensors, *strides, size, BLOCK=block)


def lstm_step(
    recurrent: Tensor,
    input_gates: Tensor,
    gates: Tensor,
    previous_cell: Tensor,
    cell: Tensor,
    cell_tanh: Tensor,
    hidden: Tensor,
) -> None:
    """Runs an `LstmStep`."""
    _launch(_lstm_step, recurrent, input_gates, gates, previous_cell, cell, cell_tanh, hidden)


def lstm_step_backward(
    carried: Tensor,
    output_gradient: Tensor,
    cell_gradient: Tensor,
    gates: Tensor,
    previous_cell: Tensor,
    cell_tanh: Tensor,
    gates_gradient: Tensor,
) -> None:
    """Runs an `LstmStepBackward`."""
    tensors = carried, output_gradient, cell_gradient, gates, previous_cell, cell_tanh, gates_gradient
    _launch(_lstm_step_backward, *tensors)


@triton.jit
def _attend(
    keys, query, energy, padding, tanhs, weights, source, size,
    SAVE: tl.constexpr, SOURCE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    sentence = tl.program_id(0).to(tl.int64)
    positions = tl.arange(0, SOURCE)
    present = positions < source
    first = sentence * source * size
    scores = tl.zeros([SOURCE], tl.float32)
    for start in range(0, size, BLOCK):
        features = start + tl.arange(0, BLOCK)
        inside = features < size
        both = present[:, None] & inside[None, :]
        offsets = first + positions[:, None] * size + features[None, :]
        queried = tl.load(query + sentence * size + features, mask=inside, other=0.0).to(tl.float32)
        key = tl.load(keys + offsets, mask=both, other=0.0).to(tl.float32)
        value = _tanh(key + queried[None, :])
        if SAVE:
            tl.store(tanhs + offsets, value.to(tanhs.dtype.element_ty), mask=both)
        scores += tl.sum(value * tl.load(energy + features, mask=inside, other=0.0)[None, :], 1)
    hidden = tl.load(padding + sentence * source + positions, mask=present, other=1)
    scores = tl.where(hidden != 0, float("-inf"), scores)
    exponentials = tl.exp(scores - tl.max(scores, 0))
    tl.store(weights + sentence * source + positions, exponentials / tl.sum(exponentials, 0), mask=present)


@triton.jit
def _weigh(weights, annotations, context, source, size, context_stride, SOURCE: tl.constexpr, BLOCK: tl.constexpr):
    sentence = tl.program_id(0).to(tl.int64)
    positions = tl.arange(0, SOURCE)
    present = positions < source
    features = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = features < size
    weight = tl.load(weights + sentence * source + positions, mask=present, other=0.0)
    offsets = (sentence * source + positions[:, None]) * size + features[None, :]
    tile = tl.load(annotations + offsets, mask=present[:, None] & inside[None, :], other=0.0).to(tl.float32)
    total = tl.sum(weight[:, None] * tile, 0)
    tl.store(context + sentence * context_stride + features, total.to(context.dtype.element_ty), mask=inside)


@triton.jit
def _attend_backward(
    context_gradient, annotations, weights, tanhs, energy, score_gradient, query_gradient, weights_gradient,
    source, context_size, attention_size, LEARN: tl.constexpr, SOURCE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    sentence = tl.program_id(0).to(tl.int64)
    positions = tl.arange(0, SOURCE)
    present = positions < source
    rows = sentence * source + positions
    weight_gradient = tl.zeros([SOURCE], tl.float32)
    for start in range(0, context_size, BLOCK):
        features = start + tl.arange(0, BLOCK)
        inside = features < context_size
        both = present[:, None] & inside[None, :]
        tile = tl.load(annotations + rows[:, None] * context_size + features[None, :], mask=both, other=0.0)
        gradient = tl.load(context_gradient + sentence * context_size + features, mask=inside, other=0.0)
        weight_gradient += tl.sum(tile.to(tl.float32) * gradient.to(tl.float32)[None, :], 1)
    if LEARN:
        weight_gradient += tl.load(weights_gradient + rows, mask=present, other=0.0).to(tl.float32)
    weight = tl.load(weights + rows, mask=present, other=0.0)
    weighted = weight * weight_gradient
    gradient = weighted - weight * tl.sum(weighted, 0)
    tl.store(score_gradient + rows, gradient, mask=present)
    for start in range(0, attention_size, BLOCK):
        features = start + tl.arange(0, BLOCK)
        inside = features < attention_size
        both = present[:, None] & inside[None, :]
        tile = tl.load(tanhs + rows[:, None] * attention_size + features[None, :], mask=both, other=0.0)
        value = tile.to(tl.float32)
        total = -tl.load(energy + features, mask=inside, other=0.0) * tl.sum(value * value * gradient[:, None], 0)
        place = query_gradient + sentence * attention_size + features
        tl.store(place, total.to(query_gradient.dtype.element_ty), mask=inside)


@triton.jit
def _collect(
    tanhs, score_gradients, energy, keys_gradient, energy_parts,
    time, batch, source, size, SOURCE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    sentence = tl.program_id(0).to(tl.int64)
    positions = tl.program_id(1) * SOURCE + tl.arange(0, SOURCE)
    present = positions < source
    features = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    inside = features < size
    both = present[:, None] & inside[None, :]
    squares = tl.zeros([SOURCE, BLOCK], tl.float32)
    products = tl.zeros([SOURCE, BLOCK], tl.float32)
    total = tl.zeros([SOURCE], tl.float32)
    for t in range(time):
        rows = (t * batch + sentence) * source + positions
        gradient = tl.load(score_gradients + rows, mask=present, other=0.0)
        value = tl.load(tanhs + rows[:, None] * size + features[None, :], mask=both, other=0.0).to(tl.float32)
        product = gradient[:, None] * value
        products += product
        squares += product * value
        total += gradient
    result = (total[:, None] - squares) * tl.load(energy + features, mask=inside, other=0.0)[None, :]
    tl.store(keys_gradient + (sentence * source + positions[:, None]) * size + features[None, :], result, mask=both)
    part = sentence * tl.num_programs(1) + tl.program_id(1)
    tl.store(energy_parts + part * size + features, tl.sum(products, 0), mask=inside)


class TritonAdditiveForward:
    """The forward pass of additive attention; an `AttentionForward`."""

    def __init__(
        self, keys: Tensor, annotations: Tensor, padding: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> None:
        self._keys, self._annotations, self._energy = keys.contiguous(), annotations.contiguous(), energy.contiguous()
        self._padding = padding.contiguous().view(torch.uint8)
        self._weights, self._tanhs = weights, tanhs
        self._saves = len(tanhs) > 0

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        batch, source, attention_size = self._keys.shape
        block, rows = _tile(source)
        _attend[batch,](
            self._keys, query.contiguous(), self._energy, self._padding,
            self._tanhs[t] if self._saves else self._keys, self._weights[t],
            source, attention_size, SAVE=self._saves, SOURCE=rows, BLOCK=block,
        )  # fmt: skip
        size = context.shape[1]
        _weigh[batch, triton.cdiv(size, block)](
            self._weights[t], self._annotations, context, source, size, context.stride(0), SOURCE=rows, BLOCK=block
        )


class TritonAdditiveBackward:
    """The backward pass of additive attention; an `AttentionBackward`."""

    def __init__(self, _keys: Tensor, annotations: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor) -> None:
        self._annotations, self._energy = annotations.contiguous(), energy.contiguous()
        self._weights, self._tanhs = weights, tanhs
        self._score_gradients = torch.empty_like(weights)

    def backward(
        self, t: int, context_gradient: Tensor, query_gradient: Tensor, weights_gradient: Tensor | None
    ) -> None:
        added = self._weights[t] if weights_gradient is None else weights_gradient.contiguous()
        batch, source, context_size = self._annotations.shape
        block, rows = _tile(source)
        _attend_backward[batch,](
            context_gradient, self._annotations, self._weights[t], self._tanhs[t], self._energy,
            self._score_gradients[t], query_gradient, added, source, context_size, self._tanhs.shape[-1],
            LEARN=weights_gradient is not None, SOURCE=rows, BLOCK=block,
        )  # fmt: skip

    def gradients(self) -> tuple[Tensor, Tensor]:
        time, batch, source, size = self._tanhs.shape
        rows, block = 16, 64
        tiles = triton.cdiv(source, rows)
        keys_gradient = self._weights.new_empty(batch, source, size)
        parts = self._weights.new_empty(batch * tiles, size)
        _collect[batch, tiles, triton.cdiv(size, block)](
            self._tanhs, self._score_gradients, self._energy, keys_gradient, parts,
            time, batch, source, size, SOURCE=rows, BLOCK=block,
        )  # fmt: skip
        return keys_gradient, parts.sum(0)


def _tile(source):
    """Returns the numbers of features and rows of a tile."""
    rows = max(16, triton.next_power_of_2(source))
    return max(16, _TILE_NUMBERS // rows), rows


KERNELS = Kernels(
    lstm_step,
    lstm_step_backward,
    TritonAdditiveForward,
    TritonAdditiveBackward,
    sum_rows,
    longest_source=256,  # one program holds the scores of a sentence, and a tile of its annotations
)
"""The kernels of a GPU."""
