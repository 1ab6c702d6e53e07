"""The options of a search, and of sampling in its place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from nmt.config import check_argument
from nmt.config.types import Expected, Natural, Seed

_KINDS: dict[str, Any] = {
    "temperature": Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False), Expected("a finite number above 0")],
    "top_k": Natural,
    "top_p": Annotated[float, Field(gt=0, le=1, strict=True), Expected("a number above 0, at most 1")],
    "seed": Seed,
}


@dataclass(frozen=True)
class SearchOptions:
    """The options of a search. There are no defaults: a user's are those of the configuration.

    A forced prefix may hold `forbidden` tokens. Probabilities stay the model's own: nothing is renormalised. Raises
    ValueError if a value is outside its range.
    """

    bos: int  # the token that every hypothesis begins with
    eos: int  # the token that ends a hypothesis
    forbidden: tuple[int, ...]  # tokens that are never generated: padding, `bos`, unknown
    beam_size: int  # number of hypotheses kept for each sentence
    n_best: int  # number of hypotheses returned for each sentence
    length_penalty: float  # exponent of the length that a log-probability is divided by; 0 for no division
    coverage_penalty: float  # beta of Wu et al. 2016 (arXiv:1609.08144, section 7), 0 for none
    no_repeat_ngram: int  # number of tokens in a sequence that no hypothesis may hold twice; 0 allows all
    keep_attention: bool  # returns hypotheses with their attention
    groups: int  # number of groups that the beam is cut into, which avoid the tokens of those before
    diversity: float  # log-probability that each use of a token in the groups before takes from it

    def __post_init__(self) -> None:
        for name, lowest in (("beam_size", 1), ("n_best", 1), ("no_repeat_ngram", 0), ("groups", 1)):
            if (value := getattr(self, name)) < lowest:
                raise ValueError(f"{name} is {value}: expected at least {lowest}")
        if self.beam_size % self.groups:
            raise ValueError(f"groups is {self.groups}: expected a divisor of beam_size, {self.beam_size}")
        for name in ("length_penalty", "coverage_penalty", "diversity"):
            if not 0 <= (value := getattr(self, name)) < math.inf:
                raise ValueError(f"{name} is {value}: expected a finite number, at least 0")
        if self.eos in self.forbidden:
            raise ValueError(f"the end mark {self.eos} is among the forbidden tokens {self.forbidden}")


@dataclass(frozen=True)
class SamplingOptions:
    """The distribution that tokens are drawn from.

    Attributes:
        temperature: divides logits before softmax; 1 is the model itself.
        top_k: number of most probable tokens that may be drawn; 0 for all.
        top_p: lets only the fewest most probable tokens be drawn whose probabilities add up to at least this (Holtzman
            et al. 2020, arXiv:1904.09751), after `top_k`; 1 for all.
        seed: determines, with a sentence's key, the samples of the sentence.

    Raises:
        TypeError: a value is no number, or no whole one.
        ValueError: a value is outside its range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            object.__setattr__(self, name, check_argument(name, getattr(self, name), kind))
