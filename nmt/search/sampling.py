"""Sampling translations from the model, instead of searching for the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nmt.search.decoding import Beam, Extend, Prediction, Sentences, check_sentences, decode
from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis, S, StepFunction
from nmt.search.options import SamplingOptions, SearchOptions
from nmt.search.scoring import first_largest

# Number of a step's logits that become probabilities at a time, which takes several times their memory.
_NUMBERS_AT_A_TIME = 1 << 20

# Range that temperatures are brought into. At its ends the best token is drawn already, or any; beyond them quotients
# may be 0/0 or infinite in float32.
_TEMPERATURES = 1e-30, 1e30

# Number of a row's most probable tokens among which `top_p` nearly always finds all that it allows.
_USUAL_NUCLEUS = 256


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
    """Draws `n_best` independent samples of each sentence, in the order in which they are returned.

    Each sample has a random stream of its own, made from seed, key and its number, and uses one number of it a word.
    So the samples of a sentence depend neither on the batch around it nor on the number drawn. Log-probability and
    score are the model's own, whatever the temperature and the cuts.

    `sampling` is the distribution to draw from, and `keys` are for each sentence numbers at least 0 that identify it,
    such as that of its line and its place there, equally many for each. The other arguments and the errors are those of
    `beam_search`; the option `beam_size` is ignored.
    """
    sentences = check_sentences(options, max_lengths, source_lengths, forced_prefixes)
    if len(keys) != len(sentences.limits):
        raise ValueError(f"{len(keys)} keys for {len(sentences.limits)} sentences")
    uniforms = _uniforms(sampling.seed, keys, options.n_best, sentences)
    extend = _drawn_extensions(options, sampling, uniforms)
    return decode(step, state, extend, sentences, options, width=options.n_best, groups=options.n_best, ranked=False)


def restrict(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Returns logits (..., V) with -inf for every token that `top_k` or `top_p` excludes (see `SamplingOptions`)."""
    if 0 < top_k < logits.size(-1):
        kept, tokens = first_largest(logits, top_k)
        logits = torch.full_like(logits, NEG_INF).scatter_(-1, tokens, kept)
    return logits if top_p == 1 else _nucleus(logits, top_p, _USUAL_NUCLEUS)


def _nucleus(logits: Tensor, top_p: float, few: int) -> Tensor:
    """Restricts logits to the tokens that `top_p` allows; `few` of the most probable ones are looked at first."""
    few = min(few, logits.size(-1))
    ordered, tokens = first_largest(logits, few)
    probabilities = logits.softmax(-1).gather(-1, tokens)
    is_excluded = probabilities.cumsum(-1) - probabilities >= top_p
    is_excluded[..., 0] = False  # also where float32 has no number between 0 and `top_p`
    kept = ordered.masked_fill(is_excluded, NEG_INF)
    restricted = torch.full_like(logits, NEG_INF).scatter_(-1, tokens, kept)
    needs_more = kept[..., -1] > NEG_INF
    if few < logits.size(-1) and needs_more.any():
        restricted[needs_more] = _nucleus(logits[needs_more], top_p, logits.size(-1))
    return restricted


def _uniforms(seed: int, keys: Sequence[Sequence[int]], samples: int, sentences: Sentences) -> Tensor:
    """Draws a number in [0, 1) for each word of each sample: (B, samples, longest limit + 1) float64."""
    steps = max(sentences.limits, default=0) + 1
    drawn = [[np.random.default_rng([seed, *key, number]).random(steps) for number in range(samples)] for key in keys]
    return torch.from_numpy(np.array(drawn).reshape(len(keys), samples, steps)).to(sentences.device)


def _drawn_extensions(options: SearchOptions, sampling: SamplingOptions, uniforms: Tensor) -> Extend:
    forbidden = torch.tensor(options.forbidden, dtype=torch.int64, device=uniforms.device)

    def extend(prediction: Prediction, beam: Beam, length: int) -> Expansion:
        logits, offset = prediction.allowed, prediction.offset
        rows = max(1, _NUMBERS_AT_A_TIME // logits.size(-1))
        logit_chunks = logits.flatten(0, 1).split(rows)
        uniform_chunks = uniforms[beam.sentences, :, length].flatten().split(rows)
        drawn = [_draw(*chunk, forbidden, sampling) for chunk in zip(logit_chunks, uniform_chunks, strict=True)]
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
    """Draws a token of each row: (N, V) and (N,) in [0, 1) -> tokens and logits, 2 x (N,); NEG_INF if none may be."""
    allowed = logits.float().index_fill(-1, forbidden, NEG_INF)
    below = allowed - allowed.amax(-1, keepdim=True)  # so that no quotient is more than 0
    least, greatest = _TEMPERATURES
    scaled = below / min(max(sampling.temperature, least), greatest)
    weights = restrict(scaled, sampling.top_k, sampling.top_p).softmax(-1)
    cumulative = weights.double().cumsum(-1)
    total = cumulative[..., -1]
    # Strictly below the total, so that the token drawn has a probability above 0.
    target = torch.minimum(uniforms * total, torch.nextafter(total, torch.zeros_like(total)))
    tokens = torch.searchsorted(cumulative, target[..., None], right=True).clamp(max=logits.size(-1) - 1)
    return tokens.squeeze(-1), allowed.gather(-1, tokens).squeeze(-1)
