"""What training does differently on CUDA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch

from nmt.device import float32_products_by_tf32

MOST_RECORDINGS = 128  # shapes of batches; each takes some megabytes for its thousands of kernels


@dataclass(frozen=True)
class Execution:
    """How the steps of training run: the one place that knows what is different on CUDA.

    There, a step only queues work. The processor waits for nothing that the GPU computes, but prepares the next step
    meanwhile.

    Attributes:
        device: that computes.
        buckets: pad batches to few shapes, so that what was prepared for a shape is used again.
        updates_behind: so many updates later the loss of one is read, when it has long been there.
        recordings: of so many shapes of batches the work is kept as a CUDA graph; 0 for none.
    """

    device: torch.device
    buckets: bool = False
    updates_behind: int = 0
    recordings: int = 0

    @classmethod
    def on(cls, device: torch.device, *, alone: bool = True, recording: bool = True) -> Self:
        """What suits a device.

        Args:
            device: that computes.
            alone: whether one process trains. Several have to agree on each update before the next one, and their
                gradients meet outside of any CUDA graph.
            recording: whether CUDA graphs are wanted.
        """
        if device.type != "cuda":
            return cls(device)
        if not alone:
            return cls(device, buckets=True)
        return cls(device, buckets=True, updates_behind=1, recordings=MOST_RECORDINGS if recording else 0)

    @property
    def pins_memory(self) -> bool:
        """Whether batches go to the device from pinned memory."""
        return self.device.type == "cuda"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside, steps are computed.

        On CUDA they have a stream to themselves, since the default one cannot be recorded, and products in float32 run
        by TF32.
        """
        if self.device.type != "cuda":
            yield
            return
        outside = torch.cuda.current_stream(self.device)
        stream = torch.cuda.Stream(self.device)
        stream.wait_stream(outside)
        with torch.cuda.device(self.device), torch.cuda.stream(stream), float32_products_by_tf32():
            yield
        outside.wait_stream(stream)
