"""The batches of the updates to come, in the order of the seed, and their way to the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nmt.config import Config
from nmt.corpus.batch_order import BatchOrder, Position, split_parts
from nmt.corpus.batching import Batch, make_batch, pad_pairs, with_links
from nmt.corpus.store import Store, TokenPairs
from nmt.corpus.subword_sampling import SubwordSampler
from nmt.model.kernels.onednn import rounded_up
from nmt.model.kernels.rows import distinct_rows
from nmt.tokenization.special_tokens import SpecialPair
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.distributed.rank import ProcessRank
from nmt.training.loss import IGNORED

# Multiples that the sizes of batches in buckets are rounded up to. Products on a GPU like multiples of eight.
SENTENCES_OF_BUCKETS, LENGTH_OF_BUCKETS, ROWS_OF_BUCKETS = 8, 4, 128


class Update(NamedTuple):
    """The data of an update: the parts in which this process computes it, and the position after it."""

    parts: list[Batch]
    following: Position

    @property
    def target_tokens(self) -> int:
        """Number of tokens to predict, over these parts."""
        return sum(part.target_tokens for part in self.parts)


class TensorBatch(NamedTuple):
    """A `Batch` as tensors, padded so that batches come in few sizes.

    For each size of a product that it has not met, oneDNN spends about two milliseconds on machine code and keeps it;
    on CUDA, the work on each shape is captured once (`nmt.training.cuda_graphs`).
    """

    source: Tensor  # (B, S)
    source_lengths: Tensor  # (B,)
    target_input: Tensor  # (B, T)
    target_output: Tensor  # (B, T)
    target_lengths: Tensor  # (B,)
    places: Tensor  # (N,) of the tokens to predict in a flattened (T, B); all differ
    targets: Tensor  # (N,) the tokens at these places, or IGNORED
    links: Tensor  # (B, T, S) bool, True where a target token is linked to a source token; (0,) without alignments

    @classmethod
    def from_batch(cls, batch: Batch, *, buckets: bool = False) -> Self:
        """Appends some empty sentences to the batch and, for `buckets`, pads all lengths to a few values."""
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
        # The encoder needs at least one token; the empty sentences have none to predict.
        source_lengths = source_lengths.clamp(min=1)
        links = torch.zeros(0, dtype=torch.bool)
        if batch.links is not None:
            links = torch.zeros(sentences, target_output.shape[1], source.shape[1], dtype=torch.bool)
            links[tuple(map(torch.from_numpy, batch.links))] = True
        return cls(source, source_lengths, target_input, target_output, target_lengths, places, targets, links)

    def twice(self) -> Self:
        """Repeats the sentences: rows B to 2B - 1 are the pairs of rows 0 to B - 1.

        The places of the first of them stand before those of the second.
        """
        sentences = len(self.source)
        first = self.places + self.places // sentences * sentences
        doubled = (torch.cat([tensor, tensor]) for tensor in self)
        return type(self)(*doubled)._replace(places=torch.cat([first, first + sentences]))

    def pinned(self) -> Self:
        """Copies the batch into memory from which a GPU takes it while the processor goes on."""
        return type(self)(*(tensor.pin_memory() for tensor in self))

    def to(self, device: torch.device) -> Self:
        """Moves the batch to a device."""
        return type(self)(*(tensor.to(device, non_blocking=True) for tensor in self))

    @property
    def is_target(self) -> Tensor:
        """(B, T) bool, True at tokens to predict, False at padding."""
        places = torch.arange(self.target_output.shape[1], device=self.target_output.device)
        return places < self.target_lengths[:, None]

    def to_predict(self, readouts: Tensor) -> tuple[Tensor, Tensor]:
        """Selects the readouts, (T, B, R), of the tokens to predict, padding out, and their ids: (N, R) and (N,)."""
        return distinct_rows(readouts.flatten(0, 1), self.places), self.targets


def _padded(rows: NDArray[np.int64], sentences: int, multiple: int) -> Tensor:
    """Appends empty rows to (B, ·); with a `multiple`, rounds its length up, too."""
    more = rounded_up(rows.shape[1], multiple) - rows.shape[1] if multiple else 0
    return functional.pad(torch.from_numpy(rows), (0, more, 0, sentences - len(rows)))


def empty_batch(special: SpecialPair) -> Batch:
    """Makes a batch of an empty sentence, for a process that gets no part of an update: it has nothing to predict."""
    empty = pad_pairs([[]], [[]], special)
    return replace(empty, indices=empty.indices[:0], target_lengths=np.zeros_like(empty.target_lengths))


def iterate_updates(
    position: Position,
    order: BatchOrder,
    store: Store,
    config: Config,
    tokenizers: Tokenizers,
    process: ProcessRank | None = None,
    alignments: TokenPairs | None = None,
) -> Iterator[Update]:
    """Yields the updates from a position of the order on, without end; of each, the parts of a process.

    With `alignments`, those of the pairs of the store (`nmt.training.alignments`), batches have links.
    """
    process = process or ProcessRank()
    sampler = None
    if alpha := config.tokenizer.subword_regularization:
        sampler = SubwordSampler(tokenizers, alpha, config.data.max_length, config.seed)
    special = tokenizers.special
    epoch = position.epoch
    for following, indices in order.batches(position):
        resample = sampler.in_epoch(epoch) if sampler else None
        count = config.training.accumulation * process.world_size
        parts = split_parts(indices, store.target_lengths(indices) + 1, count)
        own = [part for part in parts[process.rank :: process.world_size] if len(part)]
        batches = [make_batch(store, part, special, resample, order.mixture.tags(part)) for part in own]
        batches = batches or [empty_batch(special)]
        if alignments is not None:
            batches = [with_links(batch, alignments) for batch in batches]
        yield Update(batches, following)
        epoch = following.epoch
