"""The choice of kernels for the elementwise work of the loops over time.

Torch's own operations serve everywhere. On a processor, training takes kernels in C++ where there is a compiler; on a
GPU, kernels in Triton.
"""

from __future__ import annotations

import logging
from ctypes import CDLL
from functools import cache
from importlib.util import find_spec
from threading import Thread

import torch
from torch import Tensor

from nmt.model.kernels.additive_attention import AdditiveBackward, AdditiveForward
from nmt.model.kernels.interface import Kernels, SearchKernels
from nmt.model.kernels.lstm_cell import lstm_cell, lstm_step, lstm_step_backward
from nmt.model.kernels.native.library import available_library
from nmt.model.kernels.rows import sum_rows

logger = logging.getLogger(__name__)

TORCH = Kernels(lstm_step, lstm_step_backward, AdditiveForward, AdditiveBackward, sum_rows)
"""The kernels in torch's own operations, for every device and number type."""


def choose_kernels(weight: Tensor, *, source: int = 0) -> Kernels:
    """Returns the kernels for a loop whose products have this weight, with attention over `source` tokens."""
    if weight.device.type == "cpu":
        return native_kernels(weight.dtype) or TORCH
    kernels = _triton_for(weight) or TORCH
    if kernels.longest_source is not None and source > kernels.longest_source:
        return kernels._replace(additive_forward=TORCH.additive_forward, additive_backward=TORCH.additive_backward)
    return kernels


def native_kernels(dtype: torch.dtype) -> Kernels | None:
    """Returns the kernels in C++ for a processor; None for another number type, or where they cannot be compiled."""
    library = available_library() if dtype in (torch.float32, torch.bfloat16) else None
    return None if library is None else _native_kernels(library, dtype)


def lstm_transition(recurrent: Tensor, added: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Runs an LSTM transition from the parts of its gates before activation, (·, 4H), and its cell (·, H).

    `added` may be a bias (4H,). Returns hidden and cell, (·, H) each; without autograd by a kernel if there is one.
    """
    kernels = search_kernels(recurrent)
    return lstm_cell(added + recurrent, cell) if kernels is None else kernels.lstm_cell(recurrent, added, cell)


def search_kernels(values: Tensor) -> SearchKernels | None:
    """Returns the kernels in C++ for a step of a search on such values; None where torch's operations do it."""
    if values.device.type != "cpu" or values.dtype not in (torch.float32, torch.bfloat16) or torch.is_grad_enabled():
        return None
    library = available_library()
    return None if library is None else _search_kernels(library, values.dtype)


def compile_early(device: torch.device) -> None:
    """Compiles the kernels in C++ in a thread of its own, if this device is to have them."""
    if device.type == "cpu":
        Thread(target=available_library, daemon=True).start()


@cache
def _native_kernels(library: CDLL, dtype: torch.dtype) -> Kernels:
    from nmt.model.kernels.native.calls import NativeCalls

    return NativeCalls(library, dtype).as_kernels()


@cache
def _search_kernels(library: CDLL, dtype: torch.dtype) -> SearchKernels:
    from nmt.model.kernels.native.search_calls import SearchCalls

    return SearchCalls(library, dtype)


def _triton_for(weight: Tensor) -> Kernels | None:
    fits = weight.device.type == "cuda" and weight.dtype in (torch.float32, torch.bfloat16)
    return triton_kernels(weight.device) if fits else None


@cache
def triton_kernels(device: torch.device) -> Kernels | None:
    """Returns the kernels in Triton; None if it is not installed or cannot compile, for which it needs a C compiler."""
    if find_spec("triton") is None:
        return None
    from nmt.model.kernels.triton import KERNELS

    try:  # to compile and run one
        gates, unit = torch.zeros(3, 1, 4, device=device), torch.zeros(4, 1, 1, device=device)
        KERNELS.lstm_step(*gates, *unit)
    except Exception as error:  # of many types, depending on what is missing
        reason = str(error).partition("\n")[0] or type(error).__name__
        logger.warning("the loops over time run without kernels of their own, and slower: %s", reason)
        return None
    return KERNELS
