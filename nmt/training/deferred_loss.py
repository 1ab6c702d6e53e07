"""Loss and gradient's norm of each update, read once they are there."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.errors import NonFiniteError


class Outcome(NamedTuple):
    """Of one update: its number, its target tokens, its loss summed over them, and the norm of its gradient."""

    step: int
    tokens: int
    loss: float
    norm: float

    def check(self) -> None:
        """Raises NonFiniteError where one of them is no number or infinite."""
        if not (math.isfinite(self.loss) and math.isfinite(self.norm)):
            raise NonFiniteError(
                f"step {self.step}",
                f"the loss is {self.loss / self.tokens:.4g} and the gradient's norm {self.norm:.4g}; nothing of this "
                "step was kept. A lower training.learning_rate or a smaller training.clip_norm may help",
            )


class _Unread(NamedTuple):
    step: int
    tokens: int
    values: Tensor  # (2,) loss and norm, on their way to the processor
    arrived: torch.cuda.Event | None


class Outcomes:
    """The outcomes of updates, in order, none read before so many further updates have been queued."""

    def __init__(self, updates_behind: int) -> None:
        self._updates_behind = updates_behind
        self._unread: deque[_Unread] = deque()

    def add(self, step: int, tokens: int, loss: Tensor, norm: Tensor) -> None:
        """Takes in an update whose loss and norm, 0-dimensional, may still have to be computed."""
        values = torch.stack([loss.double(), norm.to(loss.device, torch.float64)])
        arrived = None
        if values.device.type == "cuda":
            values = torch.empty(2, dtype=values.dtype, pin_memory=True).copy_(values, non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record()
        self._unread.append(_Unread(step, tokens, values, arrived))

    def due(self) -> Iterator[Outcome]:
        """Those that have waited long enough.

        Raises:
            NonFiniteError: an update diverged.
        """
        return self._read(self._updates_behind)

    def rest(self) -> Iterator[Outcome]:
        """All that were not read yet; errors as for `due`."""
        return self._read(0)

    def _read(self, left: int) -> Iterator[Outcome]:
        while len(self._unread) > left:
            step, tokens, values, arrived = self._unread.popleft()
            if arrived is not None:
                arrived.synchronize()
            loss, norm = values.tolist()
            outcome = Outcome(step, tokens, loss, norm)
            outcome.check()
            yield outcome
