"""Sampling from the model, instead of looking for its best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nmt.search.decoding import Extend, Sentences, check_sentences, decode
from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis, S, SearchOptions, StepFunction

# Numbers of a step's logits that are turned into probabilities at a time, which takes several times their memory.
_NUMBERS_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class SamplingOptions:
    """What to draw from.

    Attributes:
        temperature: what logits are divided by before softmax; 1 is the model itself.
        top_k: how many of the most probable tokens may be drawn; 0 for all.
        top_p: only the fewest most probable tokens whose probabilities add up to at least this (Holtzman et al. 2020,
            arXiv:1904.09751), after `top_k`; 1 for all.
        seed: with a sentence's key, decides what is drawn for it.

    Raises:
        ValueError: a value outside its range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}: expected a finite number above 0")
        if self.top_k < 0:
            raise ValueError(f"top_k is {self.top_k}: expected at least 0")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}: expected a number above 0, at most 1")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}: expected at least 0")


def sample(
    step: StepFunction[S],
    state: S,
    options: SearchOptions,
    sampling: SamplingOptions,
    *,
    keys: Sequence[Sequence[int]],
    max_lengths: Tensor,
    source_lengths: Tensor | None = None,
    forced_prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    """`n_best` independent samples of each sentence, in the order drawn.

    Each sample has a random stream of its own, made from seed, key and its number, and uses one number of it a word.
    So the samples of a sentence depend neither on the batch around it nor on how many are drawn.

    Args:
        step: the last tokens (B, K) and the state to logits over the next tokens.
        state: the state before the first word, with one hypothesis a sentence.
        options: how to constrain and score; `beam_size` is not looked at. Log-probability and score are the model's
            own, whatever the temperature and the cuts.
        sampling: what to draw from.
        keys: for each sentence numbers at least 0 that stay with it, such as those of its line and of its place there;
            equally many for each sentence.
        max_lengths: (B,) int64, tokens at most, the end mark not counted, at least 1; on the model's device.
        source_lengths: (B,) int64, what attention is trimmed to; needed for a coverage penalty.
        forced_prefixes: for each sentence the tokens that every sample begins with.

    Raises:
        ValueError: options or arguments that do not fit together.
        NonFiniteScoresError: the logits hold a NaN or an infinity that leaves no probabilities.
    """
    sentences = check_sentences(options, max_lengths, source_lengths, forced_prefixes)
    if len(keys) != len(sentences.limits):
        raise ValueError(f"{len(keys)} keys for {len(sentences.limits)} sentences")
    uniforms = _uniforms(sampling.seed, keys, options.n_best, sentences)
    extend = _drawn_extensions(options, sampling, uniforms)
    return decode(step, state, extend, sentences, options, width=options.n_best, independent=True)


def restrict(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Logits (..., V) with -inf for every token that `top_k` or `top_p` cuts (see `SamplingOptions`)."""
    if top_k == 0 and top_p == 1:
        return logits
    ordered, tokens = torch.sort(logits, dim=-1, descending=True, stable=True)
    if top_k:
        ordered[..., top_k:] = NEG_INF
    if top_p < 1:
        probabilities = ordered.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities  # 0 for the most probable token, so that it stays
        ordered = ordered.masked_fill(before >= top_p, NEG_INF)
    return torch.empty_like(logits).scatter_(-1, tokens, ordered)


def _uniforms(seed: int, keys: Sequence[Sequence[int]], samples: int, sentences: Sentences) -> Tensor:
    """(B, samples, longest limit + 1) float64 in [0, 1): a word's number of each sample of each sentence."""
    steps = max(sentences.limits, default=0) + 1
    drawn = [[np.random.default_rng([seed, *key, number]).random(steps) for number in range(samples)] for key in keys]
    return torch.from_numpy(np.array(drawn).reshape(len(keys), samples, steps)).to(sentences.device)


def _drawn_extensions(options: SearchOptions, sampling: SamplingOptions, uniforms: Tensor) -> Extend:
    forbidden = torch.tensor(options.forbidden, dtype=torch.int64, device=uniforms.device)

    def extend(logits: Tensor, offset: Tensor, sentences: Tensor, length: int) -> Expansion:
        rows = max(1, _NUMBERS_AT_A_TIME // logits.size(-1))
        some_logits = logits.flatten(0, 1).split(rows)
        some_uniforms = uniforms[sentences, :, length].flatten().split(rows)
        drawn = [_draw(*some, forbidden, sampling) for some in zip(some_logits, some_uniforms, strict=True)]
        tokens, values = (torch.cat(parts).view_as(offset) for parts in zip(*drawn, strict=True))
        totals = values + offset
        ended = tokens == options.eos
        return Expansion(
            parents=torch.arange(tokens.size(1), device=tokens.device).expand_as(tokens),
            tokens=tokens,
            log_probabilities=totals.masked_fill(ended, NEG_INF),
            endings=totals.masked_fill(~ended, NEG_INF),
        )

    return extend


def _draw(logits: Tensor, uniforms: Tensor, forbidden: Tensor, sampling: SamplingOptions) -> tuple[Tensor, Tensor]:
    """A token of each row and its logit, (N, V) and (N,) in [0, 1) -> 2 x (N,); NEG_INF where none may be drawn."""
    allowed = logits.float().index_fill(-1, forbidden, NEG_INF)
    weights = restrict(allowed / sampling.temperature, sampling.top_k, sampling.top_p).softmax(-1)
    cumulative = weights.double().cumsum(-1)
    total = cumulative[..., -1]
    # Strictly below the total, so that the token found has a probability above 0.
    target = torch.minimum(uniforms * total, torch.nextafter(total, torch.zeros_like(total)))
    tokens = torch.searchsorted(cumulative, target[..., None], right=True).clamp(max=logits.size(-1) - 1)
    return tokens.squeeze(-1), allowed.gather(-1, tokens).squeeze(-1)
