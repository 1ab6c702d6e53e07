"""Which code does the elementwise work of the loops over time: torch's own operations, or kernels for a GPU."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

from nmt.model import cell, looking


def cell_steps(weight: Tensor) -> ModuleType:
    """What has `advance` and `retreat` for a loop whose products have this weight."""
    return _kernels_for(weight) or cell


def attention_steps(weight: Tensor, source: int) -> ModuleType:
    """What has `Looking` and `LookingBack` for a loop over sources of so many tokens, likewise."""
    kernels = _kernels_for(weight)
    return kernels if kernels is not None and source <= kernels.MOST_SOURCE_TOKENS else looking


def _kernels_for(weight: Tensor) -> ModuleType | None:
    fits = weight.device.type == "cuda" and weight.dtype in (torch.float32, torch.bfloat16)
    return _kernels() if fits else None


@cache
def _kernels() -> ModuleType | None:
    if find_spec("triton") is None:
        return None
    from nmt.model import kernels

    return kernels
