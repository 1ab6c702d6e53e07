"""The tag before a source sentence, which the model reads, and nobody else: it is no word of the line.

What a decoder attends to the tag counts as attention to the end mark of the source, the other token without a word.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.tokenization.tokenizer import Tokenizer


def tag_ids(tokenizer: Tokenizer, tag: str | None) -> list[int]:
    """Returns the tokens that stand before a source: that of its tag, or none; raises ConfigError if it is unknown."""
    return [] if tag is None else [tokenizer.tag(tag, "tag")]


def without_tag(weights: Tensor, lengths: Tensor) -> Tensor:
    """Adds the attention to a tag to that to the end mark: (B, K, 1 + S) -> (B, K, S).

    `lengths` (B,) are those of the sources, of all their tokens: the tag, those of the text and the end mark.
    """
    of_tag, others = weights[..., :1], weights[..., 1:]
    ends = (lengths - 2)[:, None, None].expand(of_tag.shape)
    return torch.scatter_add(others, -1, ends, of_tag)
