"""The data of the updates to come, in the order of the seed, and how it gets to the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from nmt.config import Config
from nmt.corpus.batching import Batch, SpecialIds, make_batch
from nmt.corpus.order import BatchOrder, Position, split_parts
from nmt.corpus.sampling import SubwordSampler
from nmt.corpus.store import Store
from nmt.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Text:
    """What of a run concerns text: tokenizers of source and target, and their files as checkpoints hold them."""

    source: Tokenizer
    target: Tokenizer
    files: dict[str, bytes]


class Update(NamedTuple):
    """The data of one update: the parts it is computed in, and where the order goes on after it."""

    parts: list[Batch]
    following: Position

    @property
    def target_tokens(self) -> int:
        """Tokens to predict, over all parts."""
        return sum(part.target_tokens for part in self.parts)


class TensorBatch(NamedTuple):
    """A `Batch` on the device."""

    source: Tensor  # (B, S)
    source_lengths: Tensor  # (B,)
    target_input: Tensor  # (B, T)
    target_output: Tensor  # (B, T)
    target_lengths: Tensor  # (B,)

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> Self:
        """The batch as tensors on `device`."""
        return cls(*(torch.from_numpy(getattr(batch, name)).to(device) for name in cls._fields))

    @property
    def is_target(self) -> Tensor:
        """(B, T) bool, True at tokens to predict, False at padding."""
        places = torch.arange(self.target_output.shape[1], device=self.target_output.device)
        return places < self.target_lengths[:, None]


def updates_from(position: Position, order: BatchOrder, store: Store, config: Config, text: Text) -> Iterator[Update]:
    """The updates from a position of the order on, without end."""
    sampler = None
    if config.tokenizer.subword_regularization:
        alpha = config.tokenizer.subword_regularization
        sampler = SubwordSampler(text.source, text.target, alpha, config.data.max_length, config.seed)
    special = SpecialIds.of(text.source, text.target)
    epoch = position.epoch
    for following, indices in order.batches(position):
        resample = sampler.in_epoch(epoch) if sampler else None
        parts = split_parts(indices, store.target_lengths(indices) + 1, config.training.accumulation)
        yield Update([make_batch(store, part, special, resample) for part in parts if len(part)], following)
        epoch = following.epoch
