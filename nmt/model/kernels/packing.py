"""Copies of a matrix, kept beside it, in layouts by which rows are multiplied faster."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from nmt.model.kernels.int8 import Int8Weight, rounded
from nmt.model.kernels.interface import PackedWeight
from nmt.model.kernels.native.library import available_library
from nmt.model.kernels.native.weights import NativeInt8Weight, NativeWeight
from nmt.model.kernels.onednn import FEW, by_onednn, filled_up, first, is_for_onednn, packs, product_type

_COPIES = "copies"  # the attribute of a matrix that holds them


class _Copies(NamedTuple):
    few: PackedWeight | None  # for up to FEW rows
    many: PackedWeight | None  # for more


def pack(weight: Tensor, *, transposed: bool = False) -> None:
    """Keeps copies beside a matrix, (O, I) or `transposed`, in the layouts of the kernels in C++ and of oneDNN.

    A product of five rows, those of a beam, by oneDNN's takes a third of the time; one of 64 to 512, four fifths to
    nineteen twentieths (vocabulary of 8,000, Zen 4). By the kernels', one of five rows takes half to two thirds of
    that. The weight must not change any more. Off the CPU this does nothing; nor does it where there are no kernels and
    torch was built without oneDNN, or has its operations under other names.
    """
    if weight.device.type != "cpu" or weight.dtype not in (torch.float32, torch.bfloat16):
        return
    matrix = _matrix(weight, transposed).contiguous()
    library = available_library()
    many = OneDnnWeight(matrix) if packs(weight.dtype) else None
    few = NativeWeight(library, matrix) if library is not None and NativeWeight.fits(matrix) else many
    setattr(weight, _COPIES, _Copies(few, many))


def pack_in_int8(weight: Tensor, *, transposed: bool = False) -> None:
    """Keeps a copy in int8 beside a matrix of float32, (O, I) or `transposed`, by which rows are then multiplied.

    The weight must not change any more.
    """
    whole, scales = rounded(_matrix(weight, transposed))
    library = available_library()
    native = None
    if library is not None and NativeInt8Weight.fits(library, whole):
        native = NativeInt8Weight(library, whole, scales)
    by_tiles = getattr(torch.cpu, "_is_amx_tile_supported", bool)()  # oneDNN's products of many rows are quicker then
    many = native if native is not None and not by_tiles else Int8Weight.from_rounded(whole, scales)
    setattr(weight, _COPIES, _Copies(native or many, many))


def is_packed(weight: Tensor) -> bool:
    """Returns True if a matrix has copies."""
    return hasattr(weight, _COPIES)


def packed_for(rows: Tensor, weight: Tensor) -> PackedWeight | None:
    """Returns the copy of a weight by which rows (N, I) are multiplied; None for the weight itself."""
    copies: _Copies | None = getattr(weight, _COPIES, None)
    if copies is None:
        return None
    if len(rows) <= FEW:
        return copies.few
    return copies.many if copies.many is not None and copies.many.takes(rows) else None


def _matrix(weight: Tensor, transposed: bool) -> Tensor:
    return weight.detach().t() if transposed else weight.detach()


class OneDnnWeight:
    """A weight (O, I) in oneDNN's layout; a `PackedWeight`."""

    def __init__(self, matrix: Tensor) -> None:
        """Packs a matrix (O, I) of float32 or bfloat16."""
        self._outputs = len(matrix)
        self._packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix)

    def takes(self, rows: Tensor) -> bool:
        return product_type(rows) == torch.float32 == self._packed.dtype and is_for_onednn(rows, self._outputs)

    def product(self, rows: Tensor, bias: Tensor | None = None) -> Tensor:
        dtype = self._packed.dtype
        filled = rows if len(rows) <= FEW else filled_up(rows)
        return first(by_onednn(filled.to(dtype), self._packed, None if bias is None else bias.to(dtype)), len(rows))
