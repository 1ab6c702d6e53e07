"""Which shapes of batches are recorded, and what happens where that fails."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch import Tensor

from nmt.training.batches import TensorBatch
from nmt.training.cuda_graphs import Compute, CudaGraphs

CPU = torch.device("cpu")


def batch(size: int) -> TensorBatch:
    return TensorBatch(*(torch.zeros(size, dtype=torch.int64) for _ in TensorBatch._fields))


class Journal:
    """What was computed at once, recorded and replayed, by size."""

    def __init__(self, failing: type[RuntimeError] | None = None) -> None:
        self.computed: list[int] = []
        self.recorded: list[int] = []
        self.replayed: list[int] = []
        self._failing = failing

    def compute(self, batch: TensorBatch, _divisor: Any) -> Tensor:
        self.computed.append(len(batch.source))
        return torch.zeros(())

    def record(self, batch: TensorBatch) -> Compute:
        if self._failing:
            raise self._failing("operation not permitted\nwhen stream is capturing")
        size = len(batch.source)
        self.recorded.append(size)

        def replay(_batch: TensorBatch, _divisor: Any) -> Tensor:
            self.replayed.append(size)
            return torch.ones(())

        return replay


def run(journal: Journal, most: int, sizes: list[int]) -> None:
    recorder = CudaGraphs(journal.compute, journal.record, most)
    for size in sizes:
        recorder(batch(size), 1.0)


def test_a_shape_is_recorded_when_it_comes_again() -> None:
    journal = Journal()
    run(journal, 5, [1, 2, 1, 1, 1])
    assert (journal.computed, journal.recorded, journal.replayed) == ([1, 2], [1], [1, 1, 1])


def test_shapes_beyond_the_most_are_computed_and_take_no_others_place() -> None:
    journal = Journal()
    run(journal, 2, [1, 1, 2, 2, 3, 3, 3, 1, 2])
    assert journal.recorded == [1, 2]
    assert journal.computed == [1, 2, 3, 3, 3]
    assert journal.replayed == [1, 2, 1, 2]


@pytest.mark.parametrize("error", [RuntimeError, torch.OutOfMemoryError])
def test_a_recording_that_fails_is_told_once_and_never_tried_again(
    error: type[RuntimeError], caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(error)
    with caplog.at_level(logging.WARNING):
        run(journal, 5, [1, 1, 1, 2, 2])
    assert journal.computed == [1, 1, 1, 2, 2]
    assert [record.getMessage() for record in caplog.records] == [
        "training goes on without CUDA graphs, and slower: operation not permitted"
    ]
