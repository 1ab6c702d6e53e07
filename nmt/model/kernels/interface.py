"""The interface of the kernels: the elementwise work of a step of the loops over time.

`nmt.model.kernels.dispatch` chooses between the version in torch's own operations and the one in Triton for a GPU. mypy
checks both against these types, and tests compare their numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import Tensor


class AttentionForward(Protocol):
    """Attention at the steps of the loop over a target; made once for a batch."""

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        """Fills the weights (B, S) and the context (B, C) of step `t` from its query (B, A)."""


class AttentionBackward(Protocol):
    """The gradient of an `AttentionForward`, step by step from the last to the first."""

    def backward(self, t: int, context_gradient: Tensor, query_gradient: Tensor) -> None:
        """Fills the gradient of the query (B, A) of step `t` from that of its context (B, C)."""

    def gradients(self) -> tuple[Tensor, Tensor | None]:
        """Returns the gradients of keys (B, S, A) and energy (A,), None without energy, after all steps."""


class Kernels(NamedTuple):
    """The operations that the loops call, with the arguments of those in torch: `lstm_step`, `AdditiveForward` …"""

    lstm_step: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], None]
    lstm_step_backward: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], None]
    additive_forward: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], AttentionForward]
    additive_backward: Callable[[Tensor, Tensor, Tensor, Tensor], AttentionBackward]
    longest_source: int | None = None  # maximum number of source tokens for the attention; None for any number
