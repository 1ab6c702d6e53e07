"""Calls of the kernels in C++, as training calls kernels (`nmt.model.kernels.interface`).

The structures have the fields of those in `kernels.cpp`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_int, c_long, c_void_p
from typing import Any

import torch
from torch import Tensor

from nmt.model.kernels.interface import Exponentials, Kernels

SUFFIXES = {torch.float32: "float", torch.bfloat16: "bfloat16"}


class _RowsOfTensor(ctypes.Structure):
    _fields_ = (("data", c_void_p), ("outer", c_long), ("inner", c_long))


class _LstmStep(ctypes.Structure):
    _fields_ = (
        *((name, c_long) for name in "DBH"),
        *((name, _RowsOfTensor) for name in ("recurrent", "input_gates", "gates", "previous_cell")),
        *((name, _RowsOfTensor) for name in ("cell", "cell_tanh", "hidden")),
    )


class _LstmStepBackward(ctypes.Structure):
    _fields_ = (
        *((name, c_long) for name in "DBH"),
        *((name, _RowsOfTensor) for name in ("carried", "output_gradient", "cell_gradient")),
        *((name, _RowsOfTensor) for name in ("gates", "previous_cell", "cell_tanh", "gates_gradient")),
    )


class AdditiveArguments(ctypes.Structure):
    _fields_ = (
        *((name, c_long) for name in "TBKSAC"),
        *((name, _RowsOfTensor) for name in ("keys", "annotations")),
        *((name, c_void_p) for name in ("padding", "energy", "weights", "tanhs", "score_gradients")),
    )


def rows_of(values: Tensor) -> _RowsOfTensor:
    """Describes a tensor (B, ·) or (D, B, ·)."""
    assert values.stride(-1) == 1 or values.shape[-1] == 1, "the last dimension is dense"
    outer = values.stride(0) if values.dim() == 3 else 0
    return _RowsOfTensor(values.data_ptr(), outer, values.stride(-2))


def function(library: ctypes.CDLL, name: str, *arguments: Any) -> Callable[..., None]:
    """Returns a function of the library, whose last argument is the number of threads."""
    found: Any = getattr(library, name)
    found.restype, found.argtypes = None, (*arguments, c_int)
    return found  # type: ignore[no-any-return]


class NativeCalls:
    """The functions of the library, for products of one number type."""

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype) -> None:
        """Takes the library, and float32 or bfloat16."""
        self._library, self._suffix = library, SUFFIXES[dtype]
        rows, attention = POINTER(_RowsOfTensor), POINTER(AdditiveArguments)
        self._lstm_step = self._function("lstm_step", POINTER(_LstmStep))
        self._lstm_step_backward = self._function("lstm_step_backward", POINTER(_LstmStepBackward))
        self.additive_forward = self._function("additive_forward", attention, c_long, rows, rows)
        self.additive_backward = self._function("additive_backward", attention, c_long, rows, c_void_p, rows)
        self.additive_gradients = self._function("additive_gradients", attention, c_void_p, c_void_p)
        self._sum_rows = self._function("sum_rows", c_long, c_long, c_void_p, c_void_p)
        self._exponentials = self._function("exponentials", c_long, c_long, *(c_void_p,) * 5)

    def _function(self, name: str, *arguments: Any) -> Callable[..., None]:
        function: Any = getattr(self._library, f"{name}_{self._suffix}")
        function.restype, function.argtypes = None, (*arguments, c_int)
        return lambda *given: function(*given, torch.get_num_threads())

    def lstm_step(
        self,
        recurrent: Tensor,
        input_gates: Tensor,
        gates: Tensor,
        previous_cell: Tensor,
        cell: Tensor,
        cell_tanh: Tensor,
        hidden: Tensor,
    ) -> None:
        """Runs a transition; an `LstmStep`."""
        rows = recurrent, input_gates, gates, previous_cell, cell, cell_tanh, hidden
        self._lstm_step(byref(_LstmStep(*_sizes(cell), *map(rows_of, rows))))

    def lstm_step_backward(
        self,
        carried: Tensor,
        output_gradient: Tensor,
        cell_gradient: Tensor,
        gates: Tensor,
        previous_cell: Tensor,
        cell_tanh: Tensor,
        gates_gradient: Tensor,
    ) -> None:
        """Runs the gradient of a transition; an `LstmStepBackward`."""
        rows = carried, output_gradient, cell_gradient, gates, previous_cell, cell_tanh, gates_gradient
        self._lstm_step_backward(byref(_LstmStepBackward(*_sizes(cell_gradient), *map(rows_of, rows))))

    def sum_rows(self, rows: Tensor) -> Tensor:
        """Sums rows (N, ·) -> (·,) float32."""
        rows = rows.contiguous()
        sums = rows.new_empty(rows.shape[1], dtype=torch.float32)
        self._sum_rows(*rows.shape, rows.data_ptr(), sums.data_ptr())
        return sums

    def exponentials(self, logits: Tensor, targets: Tensor) -> Exponentials:
        """Turns logits (N, V), with targets (N,) int64, into their exponentials in place; `Kernels.exponentials`."""
        assert logits.is_contiguous(), "logits are a buffer of their own"
        targets, found = targets.contiguous(), logits.new_empty(3, len(logits), dtype=torch.float32)
        self._exponentials(*logits.shape, logits.data_ptr(), targets.data_ptr(), *(row.data_ptr() for row in found))
        return Exponentials(*found.unbind())

    def as_kernels(self) -> Kernels:
        """Returns the kernels that training calls."""
        return Kernels(
            self.lstm_step,
            self.lstm_step_backward,
            lambda *given: _AdditiveForward(self, *given),
            lambda *given: _AdditiveBackward(self, *given),
            self.sum_rows,
            self.exponentials,
            widens=True,
        )


def _sizes(state: Tensor) -> tuple[int, int, int]:
    """Returns D, B and H of a state, (D, B, H) or (B, H)."""
    return state.shape[0] if state.dim() == 3 else 1, state.shape[-2], state.shape[-1]


class _AdditiveForward:
    """The forward pass; an `AttentionForward`."""

    def __init__(
        self,
        calls: NativeCalls,
        keys: Tensor,
        annotations: Tensor,
        padding: Tensor,
        energy: Tensor,
        weights: Tensor,
        tanhs: Tensor,
    ) -> None:
        self._calls = calls
        time, batch, source = weights.shape
        self._kept = padding.contiguous(), energy.contiguous()
        self._attention = AdditiveArguments(
            *(time, batch, 1, source, keys.shape[-1], annotations.shape[-1]),
            *map(rows_of, (keys, annotations)),
            *(each.data_ptr() for each in (*self._kept, weights)),
            tanhs.data_ptr() if len(tanhs) else None,
        )

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        self._calls.additive_forward(byref(self._attention), t, byref(rows_of(query)), byref(rows_of(context)))


class _AdditiveBackward:
    """The backward pass; an `AttentionBackward`."""

    def __init__(self, calls: NativeCalls, annotations: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor) -> None:
        self._calls, self._tanhs = calls, tanhs
        self._score_gradients, self._energy = torch.empty_like(weights), energy.contiguous()
        self._attention = AdditiveArguments(
            *(*tanhs.shape[:2], 1, *tanhs.shape[2:], annotations.shape[-1]),
            *(_RowsOfTensor(), rows_of(annotations), None, self._energy.data_ptr()),
            *(each.data_ptr() for each in (weights, tanhs, self._score_gradients)),
        )

    def backward(
        self, t: int, context_gradient: Tensor, query_gradient: Tensor, weights_gradient: Tensor | None
    ) -> None:
        of_weights = None if weights_gradient is None else weights_gradient.contiguous()
        self._calls.additive_backward(
            byref(self._attention),
            t,
            byref(rows_of(context_gradient)),
            None if of_weights is None else of_weights.data_ptr(),
            byref(rows_of(query_gradient)),
        )

    def gradients(self) -> tuple[Tensor, Tensor]:
        _, *shape = self._tanhs.shape
        keys_gradient = self._tanhs.new_empty(shape)
        energy_parts = self._energy.new_empty(shape[0], shape[-1])
        self._calls.additive_gradients(byref(self._attention), keys_gradient.data_ptr(), energy_parts.data_ptr())
        return keys_gradient, energy_parts.sum(0)
