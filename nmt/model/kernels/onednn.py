"""Products by oneDNN on a processor: which they are, and the numbers of rows they come in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

ROWS = 128  # rows are filled up to a multiple of this at most
FEW = 40  # maximum number of rows, such as those of a sentence's beam, that are not filled up: each number costs once
LEAST_MULTIPLICATIONS = 1 << 24  # minimum size of a product that is worth oneDNN's machine code for it


def product_type(values: Tensor) -> torch.dtype:
    """Returns the type that a product of values runs in, under autocast or not."""
    device_type = values.device.type
    return torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else values.dtype


def filled_up(rows: Tensor) -> Tensor:
    """Appends rows of zeros to (·, N, I) where that makes products faster.

    For each new size of a product, oneDNN, by which a CPU computes in bfloat16, takes about two milliseconds and a
    megabyte for machine code.
    """
    count, dtype = rows.shape[-2], product_type(rows)
    is_by_onednn = dtype == torch.bfloat16 or (dtype == torch.float32 and onednn_is_quicker())
    if rows.device.type != "cpu" or not is_by_onednn:
        return rows
    return filled_to(usual_count(count), rows)


def usual_count(count: int) -> int:
    """Rounds a number of rows up to one of few, which products are filled up to."""
    return min(rounded_up(count), _multiple_of(ROWS, count))


def filled_to(count: int, rows: Tensor) -> Tensor:
    """Appends rows of zeros, (·, N, I) -> (·, count, I), in one pass over memory, where `pad` makes two."""
    more = count - rows.shape[-2]
    return torch.cat([rows, rows.new_zeros(*rows.shape[:-2], more, rows.shape[-1])], -2) if more else rows


def first(rows: Tensor, count: int) -> Tensor:
    """Returns the first rows; if these are all, not as a view, whose gradient would be a copy."""
    return rows if count == len(rows) else rows[:count]


def rounded_up(count: int, multiple: int = 1) -> int:
    """Rounds up to a number with four significant bits that `multiple`, a power of two, divides: there are few of them.

    It is at most an eighth above `count`, or less than a `multiple` above it.
    """
    return _multiple_of(max(multiple, 1 << max(0, count.bit_length() - 4)), count)


def _multiple_of(step: int, count: int) -> int:
    return -(-count // step) * step


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
    return is_other and torch.backends.mkl.is_available() and packs(torch.float32)


def by_onednn(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Computes a linear map by a weight (O, I), which may be packed."""
    outputs: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return outputs


def runs_by_onednn(rows: Tensor, matrix: Tensor) -> bool:
    """Returns True if a product runs in float32, also under autocast, and is faster by oneDNN."""
    return product_type(rows) == torch.float32 == matrix.dtype and is_for_onednn(rows, matrix.shape[-1])


def is_for_onednn(rows: Tensor, outputs: int) -> bool:
    """Returns True if a product, (·, N, I) to so many outputs, is in float32, large, and faster by oneDNN."""
    if rows.dtype != torch.float32 or rows.device.type != "cpu" or not onednn_is_quicker():
        return False
    return rows.shape[-2] * rows.shape[-1] * outputs >= LEAST_MULTIPLICATIONS


def packs(dtype: torch.dtype) -> bool:
    """Returns True if oneDNN keeps matrices of a type in a layout of its own, and torch knows how to have it do so."""
    operations = torch.ops.mkldnn
    if not torch.backends.mkldnn.is_available() or not hasattr(operations, "_reorder_linear_weight"):
        return False
    bfloat16 = dtype == torch.bfloat16 and operations._is_mkldnn_bf16_supported()
    return bool(dtype == torch.float32 or bfloat16)
