"""The interface of the kernels: the elementwise work of a step of the loops over time.

`nmt.model.kernels.dispatch` chooses between the version in torch's own operations and the one in Triton for a GPU. mypy
compares both with these protocols, and tests compare their numbers.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class AttentionForward(Protocol):
    """Attention at each step of the loop over a target; made once for a batch."""

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        """Step `t`: the query (B, A) -> fills the step's weights (B, S) and the context (B, C)."""
        ...


class AttentionBackward(Protocol):
    """The gradient of an `AttentionForward`, step by step from the last to the first."""

    def backward(self, t: int, context_gradient: Tensor, query_gradient: Tensor) -> None:
        """Step `t`: the gradient of the context (B, C) -> fills that of the query (B, A)."""
        ...

    def gradients(self) -> tuple[Tensor, Tensor | None]:
        """After the first step: the gradients of keys (B, S, A) and energy (A,), None where there is no energy."""
        ...


class Kernels(Protocol):
    """What the loops over time call at each step."""

    @property
    def longest_source(self) -> int | None:
        """Source tokens at most that the attention of these kernels takes; None for any number."""
        ...

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
        """One LSTM transition: `recurrent + input_gates` (·, 4H) before activation -> fills `gates` with their
        activations, `cell`, `cell_tanh` and `hidden` (·, H)."""
        ...

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
        """The gradient of `lstm_step`: fills `gates_gradient`, turns `cell_gradient` into the previous cell's.

        The hidden state's gradient is `carried`, from the following step, plus `output_gradient`; `carried` may be
        overwritten.
        """
        ...

    def additive_forward(
        self, keys: Tensor, annotations: Tensor, padding: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> AttentionForward:
        """Additive attention for keys (B, S, A), annotations (B, S, C), padding (B, S) bool and energy (A,).

        Fills `weights` (T, B, S) and `tanhs` (T, B, S, A), what the backward pass needs of tanh(query + key); `tanhs`
        has T = 0 where no gradient is wanted.
        """
        ...

    def additive_backward(
        self, annotations: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> AttentionBackward:
        """Its gradient, from the `weights` and `tanhs` that the forward pass has filled."""
        ...
