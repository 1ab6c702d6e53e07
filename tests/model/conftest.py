"""A model small enough for tests, with any option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
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


class TinyBatch(NamedTuple):
    source: Tensor  # (3, 5)
    lengths: Tensor
    target_input: Tensor  # (3, 4)
    target_output: Tensor


@pytest.fixture
def make_model() -> Callable[..., Seq2Seq]:
    def make(**options: Any) -> Seq2Seq:
        torch.manual_seed(0)
        return Seq2Seq(**{**SIZES, **options}).eval().double()

    return make


@pytest.fixture
def batch() -> TinyBatch:
    generator = torch.Generator().manual_seed(1)
    source = torch.randint(4, 13, (3, 5), generator=generator)
    lengths = torch.tensor([5, 2, 3])
    source[torch.arange(5) >= lengths[:, None]] = 0
    target = torch.randint(4, 13, (3, 5), generator=generator)
    return TinyBatch(source, lengths, target[:, :-1], target[:, 1:])
