"""Matrix products: the number types they run in, and the sizes they come in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 128  # many rows are filled up to a multiple of this


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


def linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`functional.linear` for many rows, (·, ·, I) -> (·, ·, O), which run as if they were a few more."""
    rows = inputs.flatten(0, -2)
    outputs: Tensor = functional.linear(filled_up(rows), weight, bias)[: len(rows)].unflatten(0, inputs.shape[:-1])
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
