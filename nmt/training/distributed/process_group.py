"""The processes that train one model, and the numbers and gradients that they combine.

The first process, rank 0, does all that one process alone does. The others wait until it has prepared everything, and
then make the same updates at the same time, each with its share of the data; they write and print nothing.

Numbers and gradients go through torch's process group, where a process that ends by itself breaks the connections of
all others; everything else goes through the messages of `Peers`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from nmt.training.distributed.peers import Peers
from nmt.training.distributed.rank import ProcessRank
from nmt.training.distributed.timeouts import SECONDS_OF_UPDATE, SECONDS_TO_BE_DISMISSED
from nmt.training.signals import StopRequest

_PLAN, _SHARED = "plan", "shared"  # keys of messages


class ProcessGroup:
    """The processes of one training, as seen from one of them. A process alone has nobody to wait for.

    Attributes:
        process: which of them this is.
    """

    def __init__(self, process: ProcessRank | None = None, peers: Peers | None = None) -> None:
        """Takes the rank of this process, and unless it is alone, the others, which it has joined."""
        self.process = process or ProcessRank()
        self._others = peers
        self._shared = 0

    @property
    def alone(self) -> bool:
        """True if there is but one process."""
        return self._others is None

    @property
    def is_first(self) -> bool:
        """True if this is the process that validates, writes and reports."""
        return self.process.is_first

    def begin(self, plan: dict[str, Any]) -> None:
        """Publishes the plan of the training; called by the first process when everything is prepared."""
        if self._others is not None:
            self._others.publish(_PLAN, plan)

    def plan(self, stop: StopRequest) -> Any:
        """Waits for the plan that the first process gave to `begin`, and returns it; errors are those of `share`."""
        assert self._others is not None
        return self._others.wait_for(_PLAN, stop, SECONDS_TO_BE_DISMISSED)

    def share(self, value: Any, stop: StopRequest) -> Any:
        """Returns the value of the first process, which JSON can hold; the others wait for it, and pass any value.

        Raises DismissedError if the first process has left. After a signal the others wait on: the first is to save.
        """
        if self._others is None:
            return value
        self._shared += 1
        key = f"{_SHARED}-{self._shared}"
        if self.is_first:
            self._others.publish(key, value)
            return value
        return self._others.wait_for(key, stop)

    @contextmanager
    def joined(self, device: torch.device, stop: StopRequest) -> Iterator[None]:
        """Waits until all processes have come here; inside, they can compute together. Errors are those of `meet`."""
        if self._others is None:
            yield
            return
        self._others.meet(stop)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group(
            # The few numbers of `gather` are sent from the CPU, gradients from where they are.
            "gloo" if device.type == "cpu" else f"cpu:gloo,{device.type}:nccl",
            store=self._others.store,
            rank=self.process.rank,
            world_size=self.process.world_size,
            timeout=timedelta(seconds=SECONDS_OF_UPDATE),
        )
        yield
        # Not after an error: it might wait for processes that are gone.
        dist.destroy_process_group()

    def synchronized(self, module: nn.Module) -> nn.Module:
        """Wraps a module so that backward leaves the mean of all processes' gradients in its parameters.

        They begin with the values of the first process. Every parameter has to take part in every call.
        """
        return module if self.alone else DistributedDataParallel(module, gradient_as_bucket_view=True)

    def gather(self, *numbers: float) -> list[list[float]]:
        """Returns the numbers that each process passes, by rank.

        On CUDA, too, they are sent from the CPU, where a process that is gone shows by a broken connection; an
        operation on the device would wait for it without end.
        """
        if self.alone:
            return [list(numbers)]
        own = torch.tensor(numbers, dtype=torch.float64)
        every = [torch.empty_like(own) for _ in range(self.process.world_size)]
        dist.all_gather(every, own)
        return [numbers.tolist() for numbers in every]

    @contextmanager
    def leading(self) -> Iterator[None]:
        """Raises in the first process the error that ended another process, in place of its consequence here."""
        try:
            yield
        except BaseException as error:
            if self._others is None:
                raise
            # The launcher ends all processes when one has ended; but this one has yet to report the cause.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            cause = self._others.cause_elsewhere(error)
            if cause is None:
                raise
            raise cause from error


def without_synchronizing(module: nn.Module) -> AbstractContextManager[None]:
    """Returns a context in which each process adds up a `synchronized` module's gradients, until a call outside it."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()
