"""Diverse beam search (Vijayakumar et al. 2018, arXiv:1610.02424): groups that avoid the tokens of those before."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from nmt.search.decoding import Beam, Extend, Prediction
from nmt.search.hypothesis import NEG_INF, Expansion
from nmt.search.options import SearchOptions


def diverse_extensions(extend: Extend, options: SearchOptions) -> Extend:
    """Makes the choice of the next hypotheses of all groups from `extend`, that of one group.

    The groups choose one after the other, from the logits of one step of the model. In each, a token counts
    `options.diversity` less for every hypothesis of the groups before that has just been extended by it (the Hamming
    diversity of the paper). What a hypothesis has lost it has lost for good in the comparisons of its group; its
    log-probability and score remain the model's own. The end mark costs nothing: translations of equal length are no
    less diverse. So the first group is a beam search of its own, whatever the others do.
    """
    groups = options.groups

    def extend_groups(prediction: Prediction, beam: Beam, length: int) -> Expansion:
        logits, offset = prediction.allowed, prediction.offset
        present = logits.size(1) // groups
        penalties = torch.zeros_like(offset) if beam.penalties is None else beam.penalties
        taken = logits.new_zeros(logits.size(0), logits.size(-1), dtype=torch.float32)  # (B, V)

        def parts() -> Iterator[Expansion]:
            for first in range(0, logits.size(1), present):
                own = slice(first, first + present)
                # The first group takes the logits as they are, in their number type.
                adjusted = logits[:, own] - taken[:, None] if first else logits[:, own]
                lowered = prediction._replace(allowed=adjusted, offset=offset[:, own] - penalties[:, own])
                chosen = extend(lowered, beam, length)
                part = _own_values(chosen, logits[:, own], offset[:, own], options.eos)
                lost = penalties[:, own].gather(1, part.parents) + taken.gather(1, part.tokens)
                yield part._replace(parents=part.parents + first, penalties=lost)
                cost = options.diversity * (part.log_probabilities > NEG_INF)
                taken.scatter_add_(1, part.tokens, cost.float())

        return Expansion(*(torch.cat(values, dim=1) for values in zip(*parts(), strict=True)))

    return extend_groups


def _own_values(chosen: Expansion, logits: Tensor, offset: Tensor, eos: int) -> Expansion:
    """Puts the model's own log-probabilities in place of those that diversity has lowered."""
    values = logits.flatten(1).gather(1, chosen.parents * logits.size(-1) + chosen.tokens).float()
    totals = values + offset.gather(1, chosen.parents)
    return chosen._replace(
        log_probabilities=totals.masked_fill(chosen.log_probabilities == NEG_INF, NEG_INF),
        endings=(logits[..., eos].float() + offset).masked_fill(chosen.endings == NEG_INF, NEG_INF),
    )
