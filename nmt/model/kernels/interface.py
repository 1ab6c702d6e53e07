"""The interface of the kernels: the elementwise work of a step of the loops over time.

`nmt.model.kernels.dispatch` chooses between the version in torch's own operations and the one in Triton for a GPU. mypy
checks both against these protocols, and tests compare their numbers.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class AttentionForward(Protocol):
    """Attention at the steps of the loop over a target; made once for a batch."""

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        """Fills the weights (B, S) and the context (B, C) of step `t` from its query (B, A)."""
        ...


class AttentionBackward(Protocol):
    """The gradient of an `AttentionForward`, step by step from the last to the first."""

    def backward(self, t: int, context_gradient: Tensor, query_gradient: Tensor) -> None:
        """Fills the gradient of the query (B, A) of step `t` from that of its context (B, C)."""
        ...

    def gradients(self) -> tuple[Tensor, Tensor | None]:
        """Returns the gradients of keys (B, S, A) and energy (A,), None without energy, after all steps."""
        ...


class Kernels(Protocol):
    """The operations that the loops over time call at each step."""

    @property
    def longest_source(self) -> int | None:
        """Maximum number of source tokens for the attention of these kernels; None for any number."""
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
        """Runs an LSTM transition from the gates before activation, `recurrent + input_gates` (·, 4H).

        Fills `gates` with their activations, and `cell`, `cell_tanh` and `hidden` (·, H).
        """
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
        """Runs the gradient of `lstm_step`: fills `gates_gradient`, turns `cell_gradient` into the previous cell's.

        The hidden state's gradient is `carried`, from the following step, plus `output_gradient`; `carried` may be
        overwritten.
        """
        ...

    def additive_forward(
        self, keys: Tensor, annotations: Tensor, padding: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> AttentionForward:
        """Makes the attention for keys (B, S, A), annotations (B, S, C), padding (B, S) bool and energy (A,).

        It fills `weights` (T, B, S) and `tanhs` (T, B, S, A), what the backward pass needs of tanh(query + key);
        `tanhs` has T = 0 if no gradient is wanted.
        """
        ...

    def additive_backward(
        self, annotations: Tensor, energy: Tensor, weights: Tensor, tanhs: Tensor
    ) -> AttentionBackward:
        """Makes its gradient, from the `weights` and `tanhs` that the forward pass has filled."""
        ...
