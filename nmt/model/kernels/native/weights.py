"""Weights in the layouts by which the kernels in C++ multiply rows; see `nmt.model.kernels.interface.PackedWeight`."""

from __future__ import annotations

import ctypes
from ctypes import c_long, c_void_p

import torch
from torch import Tensor

from nmt.model.kernels.native.calls import SUFFIXES, function

_OUTPUTS = 16  # in a block of a packed weight
_AT_ONCE = 3 * _OUTPUTS  # outputs that the kernels compute together at most
_INPUTS = {torch.float32: 1, torch.bfloat16: 2, torch.int8: 4}  # of a packed weight that are neighbours


class NativeWeight:
    """A weight (O, I) of float32 or bfloat16, packed for the kernels; a `PackedWeight`."""

    @staticmethod
    def fits(matrix: Tensor) -> bool:
        """Returns True for a matrix (O, I) that can be packed."""
        return matrix.shape[1] % _INPUTS[matrix.dtype] == 0

    def __init__(self, library: ctypes.CDLL, matrix: Tensor) -> None:
        """Packs a matrix (O, I)."""
        self._packed, self._outputs = _packed(matrix), len(matrix)
        arguments = *(c_long,) * 3, *(c_void_p,) * 4
        self._product = function(library, f"product_{SUFFIXES[matrix.dtype]}", *arguments)

    def product(self, rows: Tensor, bias: Tensor | None = None) -> Tensor:
        rows = rows.to(self._packed.dtype).contiguous()
        outputs = rows.new_empty(len(rows), self._outputs)
        if bias is not None:
            bias = bias.float()
        self._product(
            *(*rows.shape, self._outputs),
            *(self._packed.data_ptr(), rows.data_ptr(), None if bias is None else bias.data_ptr(), outputs.data_ptr()),
        )
        return outputs


class NativeInt8Weight:
    """A weight (O, I) as whole numbers, each row of it multiplied by 127 / its largest number; a `PackedWeight`."""

    @staticmethod
    def fits(library: ctypes.CDLL, whole: Tensor) -> bool:
        """Returns True for a matrix (O, I) that can be packed, on a processor with the instructions for it."""
        return bool(library.multiplies_int8()) and whole.shape[1] % _INPUTS[whole.dtype] == 0

    def __init__(self, library: ctypes.CDLL, whole: Tensor, scales: Tensor) -> None:
        """Packs a matrix (O, I) of int8; `scales` (O,) times its numbers are those that they stand for."""
        self._packed, self._scales, self._outputs = _packed(whole), scales, len(whole)
        self._corrections = whole.sum(-1, dtype=torch.int32) * 128
        self._product = function(library, "product_int8", *(c_long,) * 3, *(c_void_p,) * 6)

    def product(self, rows: Tensor, bias: Tensor | None = None) -> Tensor:
        rows = rows.float().contiguous()
        outputs = rows.new_empty(len(rows), self._outputs)
        if bias is not None:
            bias = bias.float()
        weight = self._packed, self._scales, self._corrections
        self._product(
            *(*rows.shape, self._outputs),
            *(each.data_ptr() for each in (*weight, rows)),
            *(None if bias is None else bias.data_ptr(), outputs.data_ptr()),
        )
        return outputs


def _packed(matrix: Tensor) -> Tensor:
    """Packs (O, I) as (O / 16, I / G, 16, G), with zeros behind the last output."""
    neighbours = _INPUTS[matrix.dtype]
    outputs, inputs = matrix.shape
    filled = torch.zeros(-(-outputs // _AT_ONCE) * _AT_ONCE, inputs, dtype=matrix.dtype)
    filled[:outputs] = matrix
    return filled.view(-1, _OUTPUTS, inputs // neighbours, neighbours).transpose(1, 2).contiguous()
