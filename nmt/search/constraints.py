"""Constraints on hypotheses: forced prefixes, and n-grams that may not repeat."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from nmt.search.hypothesis import NEG_INF, Expansion


def pad_prefixes(prefixes: Sequence[Sequence[int]], limits: Sequence[int], eos: int, device: torch.device) -> Tensor:
    """Pads forced prefixes to a tensor (B, P) int64, with -1 after the end of each.

    Raises ValueError if the numbers of prefixes and sentences differ, or a prefix holds the end mark or is longer than
    its sentence's limit.
    """
    if len(prefixes) != len(limits):
        raise ValueError(f"{len(prefixes)} forced prefixes for {len(limits)} sentences")
    for number, (prefix, limit) in enumerate(zip(prefixes, limits, strict=True)):
        if len(prefix) > limit:
            raise ValueError(f"forced prefix {number} has {len(prefix)} tokens, more than the limit {limit}")
        if eos in prefix:
            raise ValueError(f"forced prefix {number} holds the end mark {eos}: {list(prefix)}")
    longest = max(map(len, prefixes), default=0)
    padded = [[*prefix, *[-1] * (longest - len(prefix))] for prefix in prefixes]
    return torch.tensor(padded, dtype=torch.int64, device=device).view(len(prefixes), longest)


def force_prefix(expansion: Expansion, forced: Tensor, logits: Tensor, offset: Tensor) -> Expansion:
    """Lets every hypothesis of a sentence with a forced token continue with that token, and none of them end.

    `forced` (B,) int64 is the token, or -1 for a sentence that is free at this step; `logits` (B, K, V) of the shorter
    hypotheses and `offset` (B, K) add up to the log-probabilities of the longer ones. Where these are fewer than the
    slots of the expansion, there is one a group, which stands in the first slot of the group.
    """
    width, present = expansion.tokens.size(1), offset.size(1)
    of_each = width // present
    token = forced.clamp(min=0)[:, None].expand(-1, present)  # (B, present)
    totals = logits.gather(-1, token[..., None]).squeeze(-1).float() + offset
    parents = torch.arange(width, device=forced.device) // of_each
    totals = pad(totals[..., None], (0, of_each - 1), value=NEG_INF).flatten(1)
    free = forced[:, None] < 0
    return Expansion(
        parents=torch.where(free, expansion.parents, parents),
        tokens=torch.where(free, expansion.tokens, forced[:, None]),
        log_probabilities=torch.where(free, expansion.log_probabilities, totals),
        endings=expansion.endings.masked_fill(~free, NEG_INF),
        # What all groups must write costs none of them anything.
        penalties=None if expansion.penalties is None else expansion.penalties * free,
    )


def ban_repeats(logits: Tensor, written: Tensor, size: int) -> Tensor:
    """Returns logits (B, K, V) with -inf for each token that would complete a sequence of `size` tokens written before.

    `written` (B, K, T) int64 are the tokens of each hypothesis so far; `size` is at least 1.
    """
    if written.size(-1) < size:
        return logits
    windows = written.unfold(-1, size, 1)  # (B, K, T - size + 1, size)
    tail = written[..., written.size(-1) - size + 1 :].unsqueeze(-2)
    repeats = (windows[..., :-1] == tail).all(-1)  # for size 1 nothing has to match: every token written is banned
    ceiling = torch.zeros_like(repeats, dtype=logits.dtype).masked_fill_(repeats, NEG_INF)
    ceiling = ceiling.masked_fill_(~repeats, float("inf"))
    return logits.scatter_reduce(-1, windows[..., -1], ceiling, reduce="amin")
