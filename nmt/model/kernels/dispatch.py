"""The choice of kernels for the elementwise work of the loops over time.

Torch's own operations serve everywhere. On a processor, training takes kernels in C++ where there is a compiler; on a
GPU, kernels in Triton.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib.util import find_spec
from threading import Lock, Thread

import torch
from torch import Tensor

from nmt.model.kernels.additive_attention import AdditiveBackward, AdditiveForward
from nmt.model.kernels.interface import Kernels
from nmt.model.kernels.lstm_cell import lstm_step, lstm_step_backward
from nmt.model.kernels.rows import sum_rows

logger = logging.getLogger(__name__)

TORCH = Kernels(lstm_step, lstm_step_backward, AdditiveForward, AdditiveBackward, sum_rows)
"""The kernels in torch's own operations, for every device and number type."""

SWITCH = "NMT_KERNELS"
"""Variable of the environment which, set to `torch`, leaves out the kernels in C++."""

_loading = Lock()


def choose_kernels(weight: Tensor, *, with_gradient: bool, source: int = 0) -> Kernels:
    """Returns the kernels for a loop whose products have this weight, with attention over `source` tokens.

    On a processor they are compiled for training alone: a translation depends on no compiler.
    """
    if weight.device.type == "cpu":
        return (native_kernels(weight.dtype) if with_gradient else None) or TORCH
    kernels = _triton_for(weight) or TORCH
    if kernels.longest_source is not None and source > kernels.longest_source:
        return kernels._replace(additive_forward=TORCH.additive_forward, additive_backward=TORCH.additive_backward)
    return kernels


def native_kernels(dtype: torch.dtype) -> Kernels | None:
    """Returns the kernels in C++ for a processor; None for another number type, or where they cannot be compiled.

    The first call compiles them, which takes one to three seconds, unless that was done before.
    """
    if dtype not in (torch.float32, torch.bfloat16) or os.environ.get(SWITCH) == "torch":
        return None
    with _loading:
        return _native_kernels(dtype)


def compile_early(device: torch.device) -> None:
    """Compiles the kernels in C++ in a thread of its own, if a training on this device is to have them."""
    if device.type == "cpu":
        Thread(target=native_kernels, args=(torch.float32,), daemon=True).start()


@cache
def _native_kernels(dtype: torch.dtype) -> Kernels | None:
    from nmt.model.kernels.native.calls import NativeCalls
    from nmt.model.kernels.native.library import UnavailableError, load_library

    try:
        return NativeCalls(load_library(), dtype).as_kernels()
    except UnavailableError as error:
        logger.info("training runs without compiled kernels, and slower: %s", error)
        return None


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
