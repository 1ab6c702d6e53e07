"""Guided alignment: attention is drawn to given alignments (Chen et al. 2016, arXiv:1607.01628, section 3)."""

from __future__ import annotations

from torch import Tensor

# Attention so small adds nothing to the gradient, which would be beyond float32.
_LEAST = 1e-30


def alignment_loss(weights: Tensor, links: Tensor) -> Tensor:
    """Computes the cross-entropy of attention with alignments, in nats, summed over the target tokens that have links.

    The distribution of such a token over the source is even over the tokens that it is linked to. A token without a
    link adds nothing.

    Args:
        weights: (T, B, S) attention, with its gradient.
        links: (B, T, S) bool, True where a target token is linked to a source token, never at padding.
    """
    links = links.transpose(0, 1)
    shares = links / links.sum(-1, keepdim=True).clamp(min=1)
    return -(shares * weights.clamp(min=_LEAST).log()).sum()
