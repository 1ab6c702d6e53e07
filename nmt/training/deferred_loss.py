"""Deferred losses: loss and gradient norm of each update, read once the device has computed them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.errors import NonFiniteError
from nmt.training.loss import LossTerms


class UpdateLoss(NamedTuple):
    """The loss of one update, summed over its target tokens, and the norm of its gradient."""

    step: int
    tokens: int
    terms: LossTerms  # floats
    norm: float


class _Pending(NamedTuple):
    step: int
    tokens: int
    values: Tensor  # (4,) the terms of the loss, and the norm, on their way to the processor
    arrived: torch.cuda.Event | None


class DeferredLosses:
    """The losses of updates, in order, each read only after `updates_behind` further updates have been queued."""

    def __init__(self, updates_behind: int) -> None:
        self._updates_behind = updates_behind
        self._pending: deque[_Pending] = deque()

    def add(self, step: int, tokens: int, terms: Tensor, norm: Tensor) -> None:
        """Adds an update, of which the `LossTerms` (3,) and the norm () may still have to be computed."""
        values = torch.cat([terms.double(), norm.to(terms.device, torch.float64)[None]])
        arrived = None
        if values.device.type == "cuda":
            values = torch.empty_like(values, device="cpu", pin_memory=True).copy_(values, non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record()
        self._pending.append(_Pending(step, tokens, values, arrived))

    def due(self) -> Iterator[UpdateLoss]:
        """Yields the losses that are due; raises NonFiniteError if an update diverged."""
        return self._read(self._updates_behind)

    def rest(self) -> Iterator[UpdateLoss]:
        """Yields all remaining losses; errors as for `due`."""
        return self._read(0)

    def _read(self, left: int) -> Iterator[UpdateLoss]:
        while len(self._pending) > left:
            step, tokens, values, arrived = self._pending.popleft()
            if arrived is not None:
                arrived.synchronize()
            *numbers, norm = values.tolist()
            terms = LossTerms(*numbers)
            if not all(map(math.isfinite, (*terms, norm))):
                raise NonFiniteError(
                    f"step {step}",
                    f"the loss is {terms.cross_entropy / tokens:.4g}{_others(terms, tokens)} and the gradient's norm "
                    f"{norm:.4g}; nothing of this step was "
                    "kept. A lower training.learning_rate or a smaller training.clip_norm may help",
                )
            yield UpdateLoss(step, tokens, terms, norm)


def _others(terms: LossTerms, tokens: int) -> str:
    """Returns the other terms that there are, in words."""
    named = {"the divergence": terms.divergence, "that of the alignments": terms.alignment}
    return "".join(f", {name} {value / tokens:.4g}" for name, value in named.items() if value)
