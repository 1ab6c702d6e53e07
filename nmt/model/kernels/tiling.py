"""Cutting a batch so that large temporaries stay within a processor's cache."""

from __future__ import annotations

import torch

# Numbers of a temporary on a CPU: few enough that several passes over it stay within a core's second-level cache.
TILE_NUMBERS = 1 << 18


def tiles(batch: int, numbers_of_each: int, device: torch.device) -> list[slice]:
    """Cuts the sentences of a batch into tiles of at most `TILE_NUMBERS` numbers, or of one sentence.

    A GPU takes the batch as a whole.
    """
    size = max(1, TILE_NUMBERS // max(1, numbers_of_each) if device.type == "cpu" else batch)
    return [slice(start, min(start + size, batch)) for start in range(0, max(1, batch), size)]
