"""Calls of the kernels in C++ that search uses; see `nmt.model.kernels.interface.SearchKernels`."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_long, c_void_p

import torch
from torch import Tensor

from nmt.model.kernels.native.calls import SUFFIXES, AdditiveArguments, NativeCalls, function, rows_of


class _Extensions(ctypes.Structure):
    _fields_ = (
        *((name, c_long) for name in ("B", "K", "V", "width", "eos", "E")),
        *((name, c_void_p) for name in ("offsets", "excluded", "parents", "tokens", "totals", "endings")),
    )


class SearchCalls:
    """The functions of the library, for products of one number type, float32 or bfloat16; a `SearchKernels`."""

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype) -> None:
        """Takes the library, and float32 or bfloat16."""
        self._dtype, suffix = dtype, SUFFIXES[dtype]
        cell = c_long, c_long, c_void_p, c_void_p, c_long, *(c_void_p,) * 3
        self._lstm_cell = {
            added: function(library, f"lstm_cell_{suffix}_{SUFFIXES[added]}", *cell) for added in {dtype, torch.float32}
        }
        self._additive_forward = NativeCalls(library, dtype).additive_forward
        self._log_normaliser = function(library, f"log_normaliser_{suffix}", c_long, c_long, c_void_p, c_void_p)
        self._largest = function(library, f"largest_{suffix}", *(c_long,) * 3, *(c_void_p,) * 3)
        self._best_extensions = function(library, f"best_extensions_{suffix}", c_void_p, POINTER(_Extensions))

    def lstm_cell(self, recurrent: Tensor, added: Tensor, previous_cell: Tensor) -> tuple[Tensor, Tensor]:
        size = previous_cell.shape[-1]
        recurrent, added, before = recurrent.contiguous(), added.contiguous(), previous_cell.contiguous()
        hidden, cell = torch.empty_like(before, dtype=recurrent.dtype), torch.empty_like(before)
        distance = 0 if added.dim() == 1 else 4 * size
        gates = recurrent.data_ptr(), added.data_ptr(), distance
        states = before.data_ptr(), hidden.data_ptr(), cell.data_ptr()
        self._lstm_cell[added.dtype](before.numel() // size, size, *gates, *states)
        return hidden, cell

    def additive_attention(
        self, query: Tensor, keys: Tensor, annotations: Tensor, mask: Tensor, energy: Tensor
    ) -> tuple[Tensor, Tensor]:
        assert query.dtype == keys.dtype == annotations.dtype == self._dtype, "all are of the type of products"
        assert energy.dtype == torch.float32, "vectors stay in float32"
        (batch, width, size), source = query.shape, keys.shape[1]
        weights = energy.new_empty(batch, width, source)
        context = query.new_empty(batch, width, annotations.shape[-1])
        padding, energy = (~mask).contiguous(), energy.contiguous()
        attention = AdditiveArguments(
            *(1, batch, width, source, size, annotations.shape[-1]),
            *map(rows_of, (keys, annotations)),
            *(each.data_ptr() for each in (padding, energy, weights)),
        )
        queries, contexts = rows_of(query.view(-1, size)), rows_of(context.view(-1, context.shape[-1]))
        self._additive_forward(byref(attention), 0, byref(queries), byref(contexts))
        return context, weights

    def log_normaliser(self, logits: Tensor) -> Tensor:
        logits = logits.contiguous()
        found = logits.new_empty(logits.shape[:-1], dtype=torch.float32)
        size = found.numel(), logits.shape[-1]
        self._log_normaliser(*size, logits.data_ptr(), found.data_ptr())
        return found

    def largest(self, logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
        logits = logits.contiguous()
        *leading, vocabulary = logits.shape
        values = logits.new_empty(*leading, count, dtype=torch.float32)
        places = logits.new_empty(values.shape, dtype=torch.int64)
        found = values.data_ptr(), places.data_ptr()
        rows = values.numel() // count
        self._largest(rows, vocabulary, count, logits.data_ptr(), *found)
        return values, places

    def best_extensions(
        self, logits: Tensor, offset: Tensor, excluded: Tensor, eos: int, width: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits, offset = logits.contiguous(), offset.contiguous()
        batch, hypotheses, vocabulary = logits.shape
        parents, tokens = excluded.new_empty(batch, width), excluded.new_empty(batch, width)
        totals, endings = offset.new_empty(batch, width), torch.empty_like(offset)
        extensions = _Extensions(
            *(batch, hypotheses, vocabulary, width, eos, len(excluded)),
            *(each.data_ptr() for each in (offset, excluded, parents, tokens, totals, endings)),
        )
        self._best_extensions(logits.data_ptr(), byref(extensions))
        return parents, tokens, totals, endings
