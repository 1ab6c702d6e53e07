"""The values that search works with: a step and its state, expansions and hypotheses.

Search knows no model. It sees a function from the last tokens to logits over the next ones, and a state that the
function carries along. The letters of shapes are those of `nmt.model`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, Self, TypeVar

from nmt.errors import NonFiniteError

if TYPE_CHECKING:
    from torch import Tensor


class State(Protocol):
    """The state that a step carries from word to word, for B sentences with K hypotheses each; immutable."""

    def select(self, sentences: Tensor | None, hypotheses: Tensor) -> Self:
        """Returns the state of other hypotheses, each of which continues one of the present ones.

        `sentences` (B',) int64 are the rows of the present batch to keep, ascending, None for all; `hypotheses`
        (B', K') int64 hold for each kept sentence the present hypothesis that each new one continues.
        """


S = TypeVar("S", bound=State)


class Step(NamedTuple, Generic[S]):
    """The model's prediction of the next word."""

    logits: Tensor  # (B, K, V) float32 or bfloat16, before softmax
    state: S
    attention: Tensor | None  # (B, K, S) weights over source tokens, padding exactly 0


StepFunction = Callable[["Tensor", S], Step[S]]
"""Maps the last tokens (B, K) int64 and the state before them to the logits after them. The first call has K = 1."""


NEG_INF = float("-inf")
"""Log-probability of a slot of the beam that holds no hypothesis."""


class Expansion(NamedTuple):
    """The hypotheses of one length, made from those one word shorter."""

    parents: Tensor  # (B, K) int64, the shorter hypothesis that each one continues
    tokens: Tensor  # (B, K) int64, the token it adds
    log_probabilities: Tensor  # (B, K) float32, of all its tokens; NEG_INF where there is none
    endings: Tensor  # (B, K of the shorter ones) float32, of each shorter one if it ends here; NEG_INF if it does not
    penalties: Tensor | None = None  # (B, K) float32, of all its tokens, for what other groups wrote; None without any


@dataclass(frozen=True)
class Hypothesis:
    """A translation of a sentence.

    Its score is log_probability / length ** length_penalty, plus the coverage penalty if one is asked for.

    `attention` is (T, S) float32 on the CPU, one row a token and, if `finished`, a last one for the end mark; None
    unless wanted and given by the step. S is the sentence's own source length if the search was given it.
    `utility` is expected under the candidates that it was chosen from, 0 to 100; None where there was no such choice.
    """

    tokens: tuple[int, ...]  # without begin and end marks
    log_probability: float  # natural logarithm, under the model; the end mark's included if `finished`
    score: float
    finished: bool  # False if it was cut at its limit
    attention: Tensor | None = None
    utility: float | None = None

    @property
    def length(self) -> int:
        """Length by which the log-probability is normalised: with the end mark if finished, and at least 1."""
        return max(1, len(self.tokens) + self.finished)


class NonFiniteScoresError(NonFiniteError):
    """The model's scores of a sentence's next word hold a NaN or an infinity that leaves no probabilities.

    `sentence` counts from 0 in the batch.
    """

    def __init__(self, sentence: int, where: str) -> None:
        super().__init__(where, "the model's scores are not finite: expected numbers")
        self.sentence = sentence
