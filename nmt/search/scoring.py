"""The scores by which search compares hypotheses."""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.model.kernels.dispatch import search_kernels
from nmt.search.hypothesis import NEG_INF

# Rows of logits normalised at a time on a CPU: few enough that their exponentials stay in its cache.
_ROWS_AT_A_TIME = 32

# Sums of exponentials between these are free of overflow, and of the loss of digits by underflow.
_SAFE_SUM = 1e-20, 1e20

# Logits in a block in the search for the largest of a row on a CPU (measured best for vocabularies near 8,000).
_BLOCK = 64

# Number of logits up to which `topk` over whole rows is faster than by blocks.
_FEW_LOGITS = 50_000

# Number of values from which on a few of the largest are found faster than all are sorted, on a CPU.
_MANY_VALUES = 1000

# Lower bound of coverage: a source token without any attention would make its logarithm infinite.
_LEAST_COVERAGE = 1e-8


def log_normaliser(logits: Tensor) -> Tensor:
    """Returns logsumexp over the vocabulary, (B, K, V) -> (B, K) float32: log-probability = logit - log_normaliser."""
    kernels = search_kernels(logits)
    if kernels is not None:
        return kernels.log_normaliser(logits)
    if logits.device.type != "cpu":
        return logits.float().logsumexp(-1)
    rows = logits.flatten(0, 1)
    if len(rows) <= _ROWS_AT_A_TIME:
        return _normalise(rows).view(logits.shape[:-1])
    return torch.cat([_normalise(part) for part in rows.split(_ROWS_AT_A_TIME)]).view(logits.shape[:-1])


def _normalise(logits: Tensor) -> Tensor:
    """Computes logsumexp of rows, which seldom need to be shifted first; without the shift it takes two passes less."""
    exponentials = logits.exp() if logits.dtype == torch.float32 else logits.float().exp_()
    sums = exponentials.sum(-1)
    least, greatest = sums.aminmax()
    if _SAFE_SUM[0] < least.item() and greatest.item() < _SAFE_SUM[1]:
        return sums.log()
    return logits.float().logsumexp(-1)


def largest(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Finds the `count` largest logits of each row, descending, and their tokens: (B, K, V) -> 2 x (B, K, count).

    On a CPU, `topk` over many whole rows costs half as much as the product that made the logits. The largest
    logits of a row lie in the blocks with the largest maxima, so that only `count` blocks have to be searched.
    """
    kernels = search_kernels(logits)
    if kernels is not None:
        return kernels.largest(logits, count)
    vocabulary = logits.size(-1)
    blocks = vocabulary // _BLOCK
    if logits.device.type != "cpu" or blocks < 2 * count or logits.numel() <= _FEW_LOGITS:
        return logits.topk(count)
    whole = torch.unflatten(logits[..., : blocks * _BLOCK], -1, (blocks, _BLOCK))
    # In bfloat16 the maxima would take twice as long.
    chosen = whole.to(torch.promote_types(logits.dtype, torch.float32)).amax(-1).topk(count).indices  # (B, K, count)
    # Blocks are rows of a view in which a row begins at every logit: `gather` takes ten times as long.
    begins = chosen.flatten(0, 1) * _BLOCK + vocabulary * torch.arange(chosen.size(0) * chosen.size(1))[:, None]
    windows = logits.reshape(-1).unfold(0, _BLOCK, 1)
    inside = windows.index_select(0, begins.flatten()).view(*chosen.shape[:2], -1)
    values, places = torch.cat([inside, logits[..., blocks * _BLOCK :]], dim=-1).topk(count)
    block = places // _BLOCK
    tokens = chosen.gather(-1, block.clamp(max=count - 1)) * _BLOCK + places % _BLOCK
    rest = places - count * _BLOCK + blocks * _BLOCK  # token of a place in the vocabulary's incomplete last block
    return values, torch.where(block < count, tokens, rest)


def first_largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Finds the `count` largest values of each row, descending, of equal ones the first, and their places.

    (..., N) -> 2 x (..., count), or 2 x (..., N) if that is less. These are the beginning of what a stable sort of all
    finds, which on a CPU takes many times as long for large N.
    """
    if values.device.type != "cpu" or values.size(-1) < max(_MANY_VALUES, 8 * count):
        ranked, places = torch.sort(values, dim=-1, descending=True, stable=True)
        return ranked[..., :count].clone(), places[..., :count]  # a view would keep all values in memory
    best, places = values.topk(count + 1)
    places = places[..., :count].sort(dim=-1).values
    ranked, order = torch.sort(values.gather(-1, places), dim=-1, descending=True, stable=True)
    places = places.gather(-1, order)
    # Which of equal values are the last, `topk` leaves to chance; their value is the same.
    unsure = best[..., -2] == best[..., -1]
    if unsure.any():
        places[unsure] = torch.argsort(values[unsure], dim=-1, descending=True, stable=True)[..., :count]
    return ranked, places


def most_probable_words(logits: Tensor, offset: Tensor, excluded: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Finds the best extensions of each hypothesis by a token that is not excluded: `width` of them, if so many exist.

    `logits` (B, K, V) `+ offset` (B, K) are log-probabilities of hypotheses with one token more. Returns these,
    NEG_INF for `excluded` tokens (N,), and the tokens, 2 x (B, K, M), the best first; M is `width + N`, or V if less.
    """
    values, tokens = largest(logits, min(width + len(excluded), logits.size(-1)))
    return (values.float() + offset[..., None]).masked_fill(torch.isin(tokens, excluded), NEG_INF), tokens


def best_endings(endings: Tensor, rivals: Tensor, width: int) -> Tensor:
    """Keeps the endings (B, K) that are among the best `width` of all, NEG_INF for others.

    They win against equal `rivals` (B, M), extensions by a word, of which the best `width` suffice.
    """
    above = (rivals[:, None] > endings[..., None]).sum(-1) + (endings[:, None] > endings[..., None]).sum(-1)
    return endings.masked_fill(above >= width, NEG_INF)


def coverage_penalty(coverage: Tensor, source_lengths: Tensor, beta: float) -> Tensor:
    """Computes beta * sum over source tokens of log(min(coverage, 1)) (Wu et al. 2016, arXiv:1609.08144, equation 14).

    `coverage` (B, K, S) is the attention to each source token so far, summed over the target tokens; padding after the
    `source_lengths` (B,) costs nothing. The penalty is (B, K), at most 0.
    """
    padding = torch.arange(coverage.size(-1), device=coverage.device) >= source_lengths[:, None, None]  # (B, 1, S)
    covered = coverage.clamp(_LEAST_COVERAGE, 1.0).masked_fill(padding, 1.0)
    return beta * covered.log().sum(-1)
