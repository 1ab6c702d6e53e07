"""The data of the updates to come, in the order of the seed, and how it gets to the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nmt.config import Config
from nmt.corpus.batching import Batch, SpecialIds, make_batch, pad_pairs
from nmt.corpus.order import BatchOrder, Position, split_parts
from nmt.corpus.sampling import SubwordSampler
from nmt.corpus.store import Store
from nmt.text.tokenizer import Tokenizer
from nmt.training.place import Place


@dataclass(frozen=True)
class Text:
    """What of a run concerns text: tokenizers of source and target, and their files as checkpoints hold them."""

    source: Tokenizer
    target: Tokenizer
    files: dict[str, bytes]


class Update(NamedTuple):
    """The data of one update: the parts this process computes it in, and where the order goes on after it."""

    parts: list[Batch]
    following: Position

    @property
    def target_tokens(self) -> int:
        """Tokens to predict, over these parts."""
        return sum(part.target_tokens for part in self.parts)


class TensorBatch(NamedTuple):
    """A `Batch` on the device, with some empty sentences behind it.

    They make batches come in few sizes: for each size of a product it has not met, oneDNN spends about two
    milliseconds on machine code and keeps it.
    """

    source: Tensor  # (B, S)
    source_lengths: Tensor  # (B,)
    target_input: Tensor  # (B, T)
    target_output: Tensor  # (B, T)
    target_lengths: Tensor  # (B,)

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> Self:
        """The batch as tensors on `device`."""
        empty = rounded_up(len(batch.source)) - len(batch.source)
        source, source_lengths, target_input, target_output, target_lengths = (
            functional.pad(torch.from_numpy(part), (0, 0, 0, empty) if part.ndim == 2 else (0, empty)).to(device)
            for part in (
                batch.source,
                batch.source_lengths,
                batch.target_input,
                batch.target_output,
                batch.target_lengths,
            )
        )
        # An encoder wants one token at least; there is none to predict.
        return cls(source, source_lengths.clamp(min=1), target_input, target_output, target_lengths)

    @property
    def is_target(self) -> Tensor:
        """(B, T) bool, True at tokens to predict, False at padding."""
        places = torch.arange(self.target_output.shape[1], device=self.target_output.device)
        return places < self.target_lengths[:, None]

    def to_predict(self, readouts: Tensor) -> tuple[Tensor, Tensor]:
        """The readouts, (T, B, R), and the ids of the tokens to predict alone, without padding: (N, R) and (N,)."""
        is_token = self.is_target.t()
        return readouts[is_token], self.target_output.t()[is_token]


def rounded_up(count: int) -> int:
    """The next number with four significant bits: few of them, and never more than an eighth above `count`."""
    step = max(1, 1 << (count.bit_length() - 4)) if count > 15 else 1
    return -(-count // step) * step


def nothing(special: SpecialIds) -> Batch:
    """An empty sentence with nothing to predict: what a process computes that an update has no part for."""
    empty = pad_pairs([[]], [[]], special)
    return replace(empty, indices=empty.indices[:0], target_lengths=np.zeros_like(empty.target_lengths))


def updates_from(
    position: Position, order: BatchOrder, store: Store, config: Config, text: Text, place: Place | None = None
) -> Iterator[Update]:
    """The updates from a position of the order on, without end; of each, the parts of the process at `place`."""
    place = place or Place()
    sampler = None
    if config.tokenizer.subword_regularization:
        alpha = config.tokenizer.subword_regularization
        sampler = SubwordSampler(text.source, text.target, alpha, config.data.max_length, config.seed)
    special = SpecialIds.of(text.source, text.target)
    epoch = position.epoch
    for following, indices in order.batches(position):
        resample = sampler.in_epoch(epoch) if sampler else None
        parts = split_parts(indices, store.target_lengths(indices) + 1, config.training.accumulation * place.size)
        own = [make_batch(store, part, special, resample) for part in parts[place.rank :: place.size] if len(part)]
        yield Update(own or [nothing(special)], following)
        epoch = following.epoch
