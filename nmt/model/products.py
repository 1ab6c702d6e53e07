"""Matrix products: the number types they run in, and the sizes they come in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 128  # many rows are filled up to a multiple of this
FEW = 40  # rows at most that are multiplied by a packed matrix: each number of them costs oneDNN time and memory once
_PACKED = "packed"  # the attribute of a matrix that has a packed one


def for_products(values: Tensor) -> Tensor:
    """The values in the type that autocast asks products to run in; as they are where autocast is off."""
    device_type = values.device.type
    if torch.is_autocast_enabled(device_type):
        return values.to(torch.get_autocast_dtype(device_type))
    return values


def outside_autocast(device: torch.device) -> AbstractContextManager[object]:
    """A context in which operations run in the types that they are given.

    Where autocast is off it does nothing: torch's own takes as long as a small product.
    """
    enabled = torch.is_autocast_enabled(device.type)
    return torch.autocast(device.type, enabled=False) if enabled else nullcontext()


def accurate(values: Tensor) -> Tensor:
    """The values in a type fit for elementwise work: bfloat16 becomes float32."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


@contextmanager
def accurately(values: Tensor) -> Iterator[Tensor]:
    """What the block fills in place of the values: themselves, or more accurate ones that are then written to them."""
    if values.dtype not in (torch.bfloat16, torch.float16):
        yield values
    else:
        filled = torch.empty_like(values, dtype=torch.float32)
        yield filled
        values.copy_(filled)


def linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None, *, transposed: bool = False) -> Tensor:
    """`functional.linear` for many rows, (·, ·, I) -> (·, ·, O), which run as if they were a few more.

    Few rows are multiplied by the packed matrix if there is one. The weight is (O, I) or, `transposed`, (I, O).
    """
    packed = _packed_for(inputs, weight)
    if packed is not None:
        return _by_packed(inputs, packed, bias)
    rows, matrix = inputs.flatten(0, -2), weight.t() if transposed else weight
    outputs: Tensor = functional.linear(filled_up(rows), matrix, bias)[: len(rows)].unflatten(0, inputs.shape[:-1])
    return outputs


def product(inputs: Tensor, weight: Tensor, *, transposed: bool = False) -> Tensor:
    """The same without a bias for a step of search, whose rows are few or become fewer with each word."""
    packed = _packed_for(inputs, weight)
    if packed is not None:
        return _by_packed(inputs, packed, None)
    return torch.matmul(inputs, weight) if transposed else functional.linear(inputs, weight)


def pack(weight: Tensor, *, transposed: bool = False) -> None:
    """Keeps beside a matrix, (O, I) or `transposed`, another in the order in which oneDNN multiplies few rows by it.

    A product of five rows, which is a beam's, takes a third of the time. It is for weights that do not change any more
    and are on a processor; where torch was built without oneDNN, or has its operations under other names, it does
    nothing.
    """
    if weight.device.type != "cpu" or not _packs(weight.dtype):
        return
    matrix = (weight.detach().t() if transposed else weight.detach()).contiguous()
    setattr(weight, _PACKED, torch.ops.mkldnn._reorder_linear_weight(matrix))


def _packs(dtype: torch.dtype) -> bool:
    operations = torch.ops.mkldnn
    if not torch.backends.mkldnn.is_available() or not hasattr(operations, "_reorder_linear_weight"):
        return False
    bfloat16 = dtype == torch.bfloat16 and operations._is_mkldnn_bf16_supported()
    return bool(dtype == torch.float32 or bfloat16)


def _packed_for(inputs: Tensor, weight: Tensor) -> Tensor | None:
    packed: Tensor | None = getattr(weight, _PACKED, None)
    return packed if packed is not None and inputs.numel() <= FEW * inputs.shape[-1] else None


def _by_packed(inputs: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    rows = inputs.to(packed.dtype)
    bias = None if bias is None else bias.to(packed.dtype)
    outputs: Tensor = torch.ops.mkldnn._linear_pointwise(rows, packed, bias, "none", [], "")
    return outputs


def filled_up(rows: Tensor) -> Tensor:
    """(·, N, I) with rows of zeros behind it, where that makes products quicker.

    Each size of a product that it has not met costs oneDNN, by which a processor computes in bfloat16, about two
    milliseconds and a megabyte for machine code. Few rows come in few sizes anyway: see `TensorBatch`.
    """
    count = rows.shape[-2]
    if count <= ROWS or rows.device.type != "cpu" or for_products(rows).dtype != torch.bfloat16:
        return rows
    return functional.pad(rows, (0, 0, 0, -count % ROWS))
