"""A model small enough for tests, with any option."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nmt.model.seq2seq import Seq2Seq

SIZES: dict[str, Any] = {
    "source_vocabulary": 13,
    "target_vocabulary": 13,
    "embedding_size": 6,
    "encoder_size": 4,
    "encoder_layers": 1,
    "decoder_size": 8,
    "decoder_layers": 1,
    "conditional": False,
    "attention": "additive",
    "attention_size": 5,
    "readout_size": 6,
    "tie_embeddings": "all",
}


def tiny_model(seed: int = 0, **options: Any) -> Seq2Seq:
    torch.manual_seed(seed)
    return Seq2Seq(**{**SIZES, **options}).eval()


def tiny_batch(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Source (3, 5), lengths, target input (3, 4) and target output of three sentences."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(4, 13, (3, 5), generator=generator)
    lengths = torch.tensor([5, 2, 3])
    source[torch.arange(5) >= lengths[:, None]] = 0
    target = torch.randint(4, 13, (3, 5), generator=generator)
    return source, lengths, target[:, :-1], target[:, 1:]
