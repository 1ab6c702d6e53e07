"""Which code does the elementwise work of the loops over time: torch's own operations, or kernels for a GPU."""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

from nmt.model.kernels import additive_attention, lstm_cell

logger = logging.getLogger(__name__)


def cell_steps(weight: Tensor) -> ModuleType:
    """What has `advance` and `retreat` for a loop whose products have this weight."""
    return _kernels_for(weight) or lstm_cell


def attention_steps(weight: Tensor, source: int) -> ModuleType:
    """What has `Looking` and `LookingBack` for a loop over sources of so many tokens, likewise."""
    kernels = _kernels_for(weight)
    return kernels if kernels is not None and source <= kernels.MOST_SOURCE_TOKENS else additive_attention


def _kernels_for(weight: Tensor) -> ModuleType | None:
    fits = weight.device.type == "cuda" and weight.dtype in (torch.float32, torch.bfloat16)
    return _kernels(weight.device) if fits else None


@cache
def _kernels(device: torch.device) -> ModuleType | None:
    """None where there is no Triton, and where it cannot work: it needs a C compiler on the machine."""
    if find_spec("triton") is None:
        return None
    from nmt.model.kernels import triton as kernels

    try:
        _try(kernels, device)
    except Exception as error:  # of many types, by what is missing
        reason = str(error).partition("\n")[0] or type(error).__name__
        logger.warning("the loops over time run without kernels of their own, and slower: %s", reason)
        return None
    return kernels


def _try(kernels: ModuleType, device: torch.device) -> None:
    gates, unit = torch.zeros(3, 1, 4, device=device), torch.zeros(4, 1, 1, device=device)
    kernels.advance(*gates, *unit)
