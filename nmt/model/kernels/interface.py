"""The interface of the kernels: the elementwise work of a step of the loops over time.

`nmt.model.kernels.dispatch` chooses among the versions in torch's own operations, in C++ for a processor, and in Triton
for a GPU. mypy checks them against these types, and tests compare their numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import Tensor


class LstmStep(Protocol):
    """A transition of an LSTM in a loop over time."""

    def __call__(
        self,
        recurrent: Tensor,
        input_gates: Tensor,
        gates: Tensor,
        previous_cell: Tensor,
        cell: Tensor,
        cell_tanh: Tensor,
        hidden: Tensor,
    ) -> None:
        """Fills `gates` (·, 4H) with the activations of `recurrent + input_gates`, and then the states (·, H)."""


class LstmStepBackward(Protocol):
    """The gradient of an `LstmStep`."""

    def __call__(
        self,
        carried: Tensor,
        output_gradient: Tensor,
        cell_gradient: Tensor,
        gates: Tensor,
        previous_cell: Tensor,
        cell_tanh: Tensor,
        gates_gradient: Tensor,
    ) -> None:
        """Fills `gates_gradient` (·, 4H), and turns `cell_gradient` (·, H) into the previous cell's.

        The hidden state's gradient is `carried`, from the following step, plus `output_gradient`; `carried` may be
        overwritten.
        """


class AttentionForward(Protocol):
    """Attention at the steps of the loop over a target; made once for a batch."""

    def forward(self, t: int, query: Tensor, context: Tensor) -> None:
        """Fills the weights (B, S) and the context (B, C) of step `t` from its query (B, A)."""


class AttentionBackward(Protocol):
    """The gradient of an `AttentionForward`, step by step from the last to the first."""

    def backward(
        self, t: int, context_gradient: Tensor, query_gradient: Tensor, weights_gradient: Tensor | None
    ) -> None:
        """Fills the gradient of the query (B, A) of step `t` from those of its context (B, C) and weights (B, S).

        The latter is what reaches the weights but not by way of the context; None for nothing.
        """

    def gradients(self) -> tuple[Tensor, Tensor | None]:
        """Returns the gradients of keys (B, S, A) and energy (A,), None without energy, after all steps."""


class Exponentials(NamedTuple):
    """What `Kernels.exponentials` finds of each row of logits, (N,) float32 each."""

    sums: Tensor  # of the exponentials
    largest: Tensor  # logit, which was taken from all before
    target_logits: Tensor  # before that


class Kernels(NamedTuple):
    """The operations that training calls; the attention takes what `AdditiveForward` and `AdditiveBackward` take."""

    lstm_step: LstmStep
    lstm_step_backward: LstmStepBackward
    additive_forward: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], AttentionForward]
    additive_backward: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], AttentionBackward]
    sum_rows: Callable[[Tensor], Tensor]  # (N, ·) -> (·,) float32, or float64 of these
    # Turns logits (N, V), with targets (N,), into exponentials in place; None where torch's operations are as good.
    exponentials: Callable[[Tensor, Tensor], Exponentials] | None = None
    longest_source: int | None = None  # maximum number of source tokens for the attention; None for any number
    # True if what the attention's steps fill for the backward pass is the queries, (T, B, A), from which that computes
    # tanh(query + key), (T, B, S, A), again.
    keeps_queries: bool = False
    widens: bool = False  # True if the attention reads keys and annotations in the products' type as fast as float32


class PackedWeight(Protocol):
    """A weight (O, I) in a layout by which rows are multiplied fast."""

    def product(self, rows: Tensor, bias: Tensor | None = None) -> Tensor:
        """Multiplies rows, (N, I) -> (N, O), and adds a bias (O,)."""


class SearchKernels(Protocol):
    """The operations of a step of a search, without gradients; numbers are of the type of products but for the cells.

    A row's results do not depend on the rows beside it.
    """

    def lstm_cell(self, recurrent: Tensor, added: Tensor, previous_cell: Tensor) -> tuple[Tensor, Tensor]:
        """Runs a transition from the parts of the gates before activation, (·, 4H), and the cell (·, H).

        `added` may be a bias (4H,). Returns hidden and cell, (·, H).
        """

    def additive_attention(
        self, query: Tensor, keys: Tensor, annotations: Tensor, mask: Tensor, energy: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns the contexts (B, K, C) and weights (B, K, S) of queries (B, K, A), all of a sentence at once.

        Takes keys (B, S, A), annotations (B, S, C), the mask of tokens (B, S) and the energy (A,).
        """

    def log_normaliser(self, logits: Tensor) -> Tensor:
        """Computes the logarithm of the sum of exponentials, (B, K, V) -> (B, K) float32."""

    def largest(self, logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Finds the largest logits, in float32, and their places, of equal ones the first: 2 x (B, K, count)."""

    def best_extensions(
        self, logits: Tensor, offset: Tensor, excluded: Tensor, eos: int, width: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Chooses the `width` best of a sentence's hypotheses with one word more, and those that end.

        `logits` (B, K, V) `+ offset` (B, K), float32, are their log-probabilities; `excluded` (E,) int64 are tokens
        that are no words. Returns parents and tokens, 2 x (B, width) int64, log-probabilities (B, width), and those of
        the end mark (B, K), as `nmt.search.hypothesis.Expansion` has them; where there is no hypothesis, the
        log-probability is negative infinity, the parent 0 and the token `eos`.
        """
