"""The device strategy: all that training does differently on CUDA, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch

from nmt.device import float32_products_by_tf32

MOST_GRAPHS = 128  # shapes of batches; each takes some megabytes for its thousands of kernels


@dataclass(frozen=True)
class DeviceStrategy:
    """The way in which the steps of training run on a device.

    On CUDA a step only queues work. The processor waits for nothing that the GPU computes, but prepares the next step
    meanwhile.
    """

    device: torch.device
    buckets: bool = False  # pads batches to few shapes, so that what was prepared for a shape is used again
    updates_behind: int = 0  # number of updates after which the loss of one is read, so that nothing waits for it
    cuda_graphs: int = 0  # maximum number of batch shapes whose work is kept as a CUDA graph; 0 for none

    @classmethod
    def for_device(cls, device: torch.device, *, alone: bool = True, cuda_graphs: bool = True) -> Self:
        """Chooses the strategy for a device, with CUDA graphs where they are allowed.

        Processes that are not `alone` have to agree on each update before the next one, and their gradients meet
        outside of any CUDA graph.
        """
        if device.type != "cuda":
            return cls(device)
        if not alone:
            return cls(device, buckets=True)
        return cls(device, buckets=True, updates_behind=1, cuda_graphs=MOST_GRAPHS if cuda_graphs else 0)

    @property
    def pins_memory(self) -> bool:
        """True if batches go to the device from pinned memory."""
        return self.device.type == "cuda"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Opens the context in which steps are computed.

        On CUDA they have a stream to themselves, since the default one cannot be captured in a graph, and products in
        float32 run by TF32.
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
