"""CUDA graphs: the work on a shape of batches, captured once and replayed for each batch of that shape.

A step of training launches thousands of small kernels, most of them in the loops over time, and launching them from
Python takes longer than computing them. A graph launches them all at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nmt.training.batches import TensorBatch

logger = logging.getLogger(__name__)

# Adds the gradient of the batch's loss, divided by the second argument, to that of the parameters; returns the loss.
Compute = Callable[[TensorBatch, Any], Tensor]
Shape = tuple[torch.Size, ...]


class CudaGraphs:
    """Computes batches, and captures the work on a shape when it comes for the second time.

    The first time does everything that a graph cannot hold: libraries start, kernels are compiled. Of many shapes, the
    first are kept, which are mostly the frequent ones: a graph that was replaced would soon be needed again, and to
    capture costs far more than to compute.
    """

    def __init__(self, compute: Compute, capture: Callable[[TensorBatch], Compute], most: int) -> None:
        """Takes `capture`, which makes of a batch a function that computes any batch of its shape."""
        self._compute = compute
        self._capture = capture
        self._most = most
        self._met: set[Shape] = set()
        self._graphs: dict[Shape, Compute] = {}

    def __call__(self, batch: TensorBatch, divisor: float) -> Tensor:
        """Returns the batch's loss; its gradient, divided, is added to that of the parameters."""
        shape = tuple(tensor.shape for tensor in batch)
        if shape not in self._graphs and shape in self._met and len(self._graphs) < self._most:
            self._try_to_capture(shape, batch)
        if shape in self._graphs:
            return self._graphs[shape](batch, divisor)
        self._met.add(shape)
        return self._compute(batch, divisor)

    def _try_to_capture(self, shape: Shape, batch: TensorBatch) -> None:
        try:
            self._graphs[shape] = self._capture(batch)
        except RuntimeError as error:
            logger.warning("training goes on without CUDA graphs, and slower: %s", str(error).partition("\n")[0])
            self._graphs.clear()
            self._most = 0


class CudaGraphCapture:
    """Captures on the current stream of a device, which must not be the default one.

    All graphs share their memory, since none needs the values that it left there.
    """

    def __init__(self, compute: Compute, device: torch.device) -> None:
        self._compute = compute
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, batch: TensorBatch) -> Compute:
        """Returns a function that computes any batch of this one's shape, by replaying a graph.

        Dropout draws by the device's own generator, whose seed a replay takes as it finds it: the same numbers as
        without a graph.
        """
        inputs = batch.to(self._device)
        divisor = torch.ones((), device=self._device)
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads, which prepare batches, may go on: only the work of this one is captured.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=torch.cuda.current_stream(), capture_error_mode="thread_local"
            ):
                loss = self._compute(inputs, divisor)
        except RuntimeError:
            _renew_generator(self._device)
            raise

        def replay(batch: TensorBatch, tokens: float) -> Tensor:
            for place, tensor in zip(inputs, batch, strict=True):
                place.copy_(tensor, non_blocking=True)
            divisor.fill_(tokens)
            graph.replay()
            return loss.clone()

        return replay


def _renew_generator(device: torch.device) -> None:
    """Frees a device's generator from a capture that failed, which would otherwise hold it for ever."""
    generator = torch.cuda.default_generators[device.index or 0]
    generator.graphsafe_set_state(torch.Generator(device).graphsafe_get_state())
