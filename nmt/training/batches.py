"""The data of the updates to come, in the order of the seed, and how it gets to the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nmt.config import Config
from nmt.corpus.batch_order import BatchOrder, Position, split_parts
from nmt.corpus.batching import Batch, SpecialIds, make_batch, pad_pairs
from nmt.corpus.store import Store
from nmt.corpus.subword_sampling import SubwordSampler
from nmt.model.kernels.matmul import rounded_up
from nmt.model.kernels.rows import distinct_rows
from nmt.tokenization.tokenizer import Tokenizer
from nmt.training.distributed.rank import Place
from nmt.training.loss import IGNORED

# What divides the sizes of batches in buckets. Products on a GPU like multiples of eight.
SENTENCES_OF_BUCKETS, LENGTH_OF_BUCKETS, ROWS_OF_BUCKETS = 8, 4, 128


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
    """A `Batch` as tensors, padded so that batches come in few sizes.

    For each size of a product that it has not met, oneDNN spends about two milliseconds on machine code and keeps it;
    on CUDA, the work on each shape is recorded once (`nmt.training.cuda_graphs`).
    """

    source: Tensor  # (B, S)
    source_lengths: Tensor  # (B,)
    target_input: Tensor  # (B, T)
    target_output: Tensor  # (B, T)
    target_lengths: Tensor  # (B,)
    places: Tensor  # (N,) of the tokens to predict, in the order of a flattened (T, B); all differ
    targets: Tensor  # (N,) the tokens there, or IGNORED

    @classmethod
    def of(cls, batch: Batch, *, buckets: bool = False) -> Self:
        """The batch with some empty sentences behind it and, for `buckets`, padding to few lengths of all kinds."""
        sentences = rounded_up(len(batch.source), SENTENCES_OF_BUCKETS if buckets else 1)
        source, target_input, target_output = (
            _padded(rows, sentences, LENGTH_OF_BUCKETS if buckets else 0)
            for rows in (batch.source, batch.target_input, batch.target_output)
        )
        source_lengths, target_lengths = (
            functional.pad(torch.from_numpy(lengths), (0, sentences - len(lengths)))
            for lengths in (batch.source_lengths, batch.target_lengths)
        )
        is_target = (torch.arange(target_output.shape[1])[:, None] < target_lengths).flatten()  # (T·B)
        places = is_target.nonzero()[:, 0]
        targets = target_output.t().flatten()[places]
        if buckets:
            more = min(rounded_up(len(places), ROWS_OF_BUCKETS), len(is_target)) - len(places)
            places = torch.cat([places, (~is_target).nonzero()[:more, 0]])
            targets = functional.pad(targets, (0, more), value=IGNORED)
        # An encoder wants one token at least; there is none to predict.
        source_lengths = source_lengths.clamp(min=1)
        return cls(source, source_lengths, target_input, target_output, target_lengths, places, targets)

    def pinned(self) -> Self:
        """In memory from which a GPU takes it while the processor goes on."""
        return type(self)(*(tensor.pin_memory() for tensor in self))

    def to(self, device: torch.device) -> Self:
        """The batch on a device."""
        return type(self)(*(tensor.to(device, non_blocking=True) for tensor in self))

    @property
    def is_target(self) -> Tensor:
        """(B, T) bool, True at tokens to predict, False at padding."""
        places = torch.arange(self.target_output.shape[1], device=self.target_output.device)
        return places < self.target_lengths[:, None]

    def to_predict(self, readouts: Tensor) -> tuple[Tensor, Tensor]:
        """The readouts, (T, B, R), and the ids of the tokens to predict alone, without padding: (N, R) and (N,)."""
        return distinct_rows(readouts.flatten(0, 1), self.places), self.targets


def _padded(rows: NDArray[np.int64], sentences: int, multiple: int) -> Tensor:
    """(B, ·) with empty rows behind it; with a `multiple`, of a rounded length, too."""
    more = rounded_up(rows.shape[1], multiple) - rows.shape[1] if multiple else 0
    return functional.pad(torch.from_numpy(rows), (0, more, 0, sentences - len(rows)))


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
