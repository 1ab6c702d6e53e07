"""Matrix products: the number types they run in, and the sizes they come in."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nmt.model.kernels.int8 import Int8Weight

ROWS = 128  # rows are filled up to a multiple of this at most
FEW = 40  # maximum number of rows that are not filled up for a packed matrix: each number costs time and memory once
LEAST_MULTIPLICATIONS = 1 << 24  # minimum size of a product that is worth oneDNN's machine code for it
_PACKED, _INT8 = "packed", "in_int8"  # the attributes of a matrix that hold its copies


def for_products(values: Tensor) -> Tensor:
    """Converts values to the type that autocast runs products in; if autocast is off, they stay as they are."""
    return values.to(_product_type(values))


def _product_type(values: Tensor) -> torch.dtype:
    device_type = values.device.type
    return torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else values.dtype


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

    Rows are multiplied by the packed matrix if there is one, and if they are few or would run by oneDNN anyway. The
    weight is (O, I) or, `transposed`, (I, O).
    """
    rows, matrix = inputs.flatten(0, -2), weight if transposed else weight.t()
    in_int8: Int8Weight | None = getattr(weight, _INT8, None)
    if in_int8 is not None:
        filled = rows if len(rows) <= FEW else _filled_to(_usual_count(len(rows)), rows)
        outputs = _first(in_int8.product(filled, bias), len(rows))
        return outputs.view(*inputs.shape[:-1], outputs.shape[-1])
    packed = _packed_for(rows, weight, matrix)
    outputs = _linear(rows, matrix, bias) if packed is None else _by_packed(rows, packed, bias)
    return outputs.view(*inputs.shape[:-1], outputs.shape[-1])


def linears(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    """Computes several of them at once: (D, N, I), (D, I, O) and (D, O) -> (D, N, O)."""
    if _runs_by_onednn(inputs, weights):
        return torch.stack([_linear(*each) for each in zip(inputs, weights, biases, strict=True)])
    return torch.baddbmm(biases[:, None], filled_up(inputs), weights)[:, : inputs.shape[1]]


def product(inputs: Tensor, weight: Tensor, *, transposed: bool = False) -> Tensor:
    """Computes `linear` without a bias for a step of search, whose rows are few or become fewer with each word."""
    if torch.is_grad_enabled() and not hasattr(weight, _PACKED) and not hasattr(weight, _INT8):
        return torch.matmul(inputs, weight) if transposed else functional.linear(inputs, weight)
    return linear(inputs, weight, transposed=transposed)


def mm(rows: Tensor, matrix: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Multiplies (N, I) and (I, O), of one type -> (N, O), which may be `out`; autograd does not see it."""
    if _is_for_onednn(rows, matrix):
        return _by_onednn(rows, matrix.t(), None)
    return torch.mm(rows, matrix, out=out)


def bmm(rows: Tensor, matrices: Tensor) -> Tensor:
    """Multiplies (D, N, I) and (D, I, O), of a small D -> (D, N, O); autograd does not see it."""
    if _is_for_onednn(rows, matrices):
        return torch.stack([mm(*each) for each in zip(rows, matrices, strict=True)])
    return torch.bmm(rows, matrices)


def _linear(rows: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """Computes a linear map, (N, I), (I, O) and (O,) -> (N, O), under autograd and autocast."""
    if _runs_by_onednn(rows, matrix):
        return _run_linear(rows, matrix, bias)
    return _first(functional.linear(filled_up(rows), matrix.t(), bias), len(rows))


class _Linear(Function):
    """A product by oneDNN, and its gradient."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
        filled = filled_up(rows)
        ctx.save_for_backward(filled, matrix)
        return _first(_by_onednn(filled, matrix.t(), bias), len(rows))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, matrix = ctx.saved_tensors
        for_rows, for_matrix, for_bias = ctx.needs_input_grad
        filled = _filled_to(len(rows), gradient)
        return (
            _first(mm(filled, matrix.t()), len(gradient)) if for_rows else None,
            mm(rows.t(), filled) if for_matrix else None,
            gradient.sum(0) if for_bias else None,
        )


_run_linear = cast("Callable[[Tensor, Tensor, Tensor | None], Tensor]", _Linear.apply)


def _runs_by_onednn(rows: Tensor, matrix: Tensor) -> bool:
    """Returns True if a product runs in float32, also under autocast, and is faster by oneDNN."""
    return _product_type(rows) == torch.float32 == matrix.dtype and _is_for_onednn(rows, matrix)


def _is_for_onednn(rows: Tensor, matrix: Tensor) -> bool:
    """Returns True if a product, or each of several, is in float32, large, and on a CPU where oneDNN is faster."""
    if rows.dtype != torch.float32 or rows.device.type != "cpu" or not onednn_is_quicker():
        return False
    return rows.shape[-2] * rows.shape[-1] * matrix.shape[-1] >= LEAST_MULTIPLICATIONS


@cache
def onednn_is_quicker() -> bool:
    """Returns True if float32 products run by oneDNN, which uses the processor's instructions, whoever made it.

    torch runs them by MKL, which does not use AVX-512 on a processor that is not Intel's: in float32 a Zen 5 is twice
    as fast by oneDNN. On a Zen 3, which has AVX2 alone, both are equally fast, but oneDNN takes memory for each size
    of a product, and training was a tenth slower by it. (Products in bfloat16 run by oneDNN anyway.)
    """
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    try:
        vendor = re.search(r"^vendor_id\s*:\s*(\S+)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return False
    is_other = vendor is not None and vendor[1] != "GenuineIntel"
    return is_other and torch.backends.mkl.is_available() and _packs(torch.float32)


def _by_onednn(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Computes a linear map by a weight (O, I), which may be packed."""
    outputs: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return outputs


def pack(weight: Tensor, *, transposed: bool = False) -> None:
    """Keeps beside a matrix, (O, I) or `transposed`, a copy in the layout in which oneDNN multiplies rows by it.

    A product of five rows, those of a beam, takes a third of the time; one of 64 to 512, four fifths to nineteen
    twentieths (vocabulary of 8,000, Zen 4). The weight must not change any more. Off the
    CPU, or if torch was built without oneDNN or has its operations under other names, this does nothing.
    """
    if weight.device.type != "cpu" or not _packs(weight.dtype):
        return
    matrix = (weight.detach().t() if transposed else weight.detach()).contiguous()
    setattr(weight, _PACKED, torch.ops.mkldnn._reorder_linear_weight(matrix))


def pack_in_int8(weight: Tensor, *, transposed: bool = False) -> None:
    """Keeps beside a matrix of float32, (O, I) or `transposed`, a copy in int8, by which rows are then multiplied.

    The weight must not change any more.
    """
    matrix = weight.detach().t() if transposed else weight.detach()
    setattr(weight, _INT8, Int8Weight.from_matrix(matrix))


def _packs(dtype: torch.dtype) -> bool:
    operations = torch.ops.mkldnn
    if not torch.backends.mkldnn.is_available() or not hasattr(operations, "_reorder_linear_weight"):
        return False
    bfloat16 = dtype == torch.bfloat16 and operations._is_mkldnn_bf16_supported()
    return bool(dtype == torch.float32 or bfloat16)


def _packed_for(rows: Tensor, weight: Tensor, matrix: Tensor) -> Tensor | None:
    """Returns the packed copy of a weight, (I, O) as `matrix`, if rows (N, I) are multiplied by that."""
    packed: Tensor | None = getattr(weight, _PACKED, None)
    return packed if packed is not None and (len(rows) <= FEW or _runs_by_onednn(rows, matrix)) else None


def _by_packed(rows: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    """Computes a linear map of rows by a packed weight."""
    filled = rows if len(rows) <= FEW else filled_up(rows)
    outputs = _by_onednn(filled.to(packed.dtype), packed, None if bias is None else bias.to(packed.dtype))
    return _first(outputs, len(rows))


def filled_up(rows: Tensor) -> Tensor:
    """Appends rows of zeros to (·, N, I) where that makes products faster.

    For each new size of a product, oneDNN, by which a CPU computes in bfloat16, takes about two milliseconds and a
    megabyte for machine code.
    """
    count, dtype = rows.shape[-2], _product_type(rows)
    by_onednn = dtype == torch.bfloat16 or (dtype == torch.float32 and onednn_is_quicker())
    if rows.device.type != "cpu" or not by_onednn:
        return rows
    return _filled_to(_usual_count(count), rows)


def _usual_count(count: int) -> int:
    return min(rounded_up(count), _multiple_of(ROWS, count))


def _filled_to(count: int, rows: Tensor) -> Tensor:
    """Appends rows of zeros, (·, N, I) -> (·, count, I), in one pass over memory, where `pad` makes two."""
    more = count - rows.shape[-2]
    return torch.cat([rows, rows.new_zeros(*rows.shape[:-2], more, rows.shape[-1])], -2) if more else rows


def _first(rows: Tensor, count: int) -> Tensor:
    """Returns the first rows; if these are all, not as a view, whose gradient would be a copy."""
    return rows if count == len(rows) else rows[:count]


def rounded_up(count: int, multiple: int = 1) -> int:
    """Rounds up to a number with four significant bits that `multiple`, a power of two, divides: there are few of them.

    It is at most an eighth above `count`, or less than a `multiple` above it.
    """
    return _multiple_of(max(multiple, 1 << max(0, count.bit_length() - 4)), count)


def _multiple_of(step: int, count: int) -> int:
    return -(-count // step) * step
