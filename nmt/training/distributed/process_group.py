"""The processes that train one model: messages between them, and numbers and gradients that they combine.

The first process, rank 0, does all that one process alone does. The others wait until it has prepared everything, and
then make the same updates at the same time, each with its share of the data; they write and print nothing.

Messages go through the launcher's key-value store, which is polled: so a wait may be of any length, and yet ends when a
signal comes or when the first process leaves. Numbers and gradients go through torch's process group, where a process
that ends by itself breaks the connections of all others. A machine that vanishes breaks none; there a heartbeat stops,
and the process that misses it ends, whatever it is doing: a training that is killed goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from nmt.errors import NmtError, StoppedError
from nmt.training.distributed.failures import (
    failure_as_json,
    failure_from_json,
    is_lost_connection,
    tell_on_this_machine,
)
from nmt.training.distributed.heartbeat import Heartbeat
from nmt.training.distributed.launcher import has_to_end, is_final
from nmt.training.distributed.messages import Handshake, Messages, connect
from nmt.training.distributed.rank import ProcessRank
from nmt.training.distributed.timeouts import (
    SECONDS_BETWEEN_POLLS,
    SECONDS_OF_UPDATE,
    SECONDS_TO_BE_DISMISSED,
    SECONDS_TO_COME,
    SECONDS_TO_CONNECT,
    SECONDS_TO_TELL,
)
from nmt.training.signals import StopRequest

logger = logging.getLogger(__name__)

# Keys of messages.
_PLAN, _READY, _GO, _SHARED = "plan", "ready", "go", "shared"
_FAILURE, _DISMISSED, _LEFT = "failure", "dismissed", "left"


class DismissedError(Exception):
    """There is nothing more to do here, most often since the first process has left."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class ProcessGroup:
    """The processes of one training, as seen from one of them. A process alone has nobody to wait for."""

    def __init__(self, process: ProcessRank) -> None:
        """Connects to the store of the processes; raises ConfigError or NmtError if there is none."""
        self.process = process
        self._shared = 0
        self._messages: Messages | None = None
        self._heartbeat: Heartbeat | None = None
        if process.is_alone:
            return
        self._store = connect(process)
        if self.is_first:
            if process.shares_store:
                what = "torchrun ends all machines when this one is lost or another comes"
                logger.warning("%s, unless it is started with TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1", what)
            self._enter(secrets.token_hex(8))

    def join(self, stop: StopRequest) -> None:
        """Finds the first process, of which this one is another; raises DismissedError if that does not come."""
        answer = Handshake(self._store).ask(self.process.rank, secrets.token_hex(8))
        until = time.monotonic() + SECONDS_TO_CONNECT
        while (session := answer()) is None:
            if stop.signal is not None:  # the first process is to hear of it, unless that does not come
                until = min(until, time.monotonic() + SECONDS_TO_BE_DISMISSED)
            if time.monotonic() > until:
                raise DismissedError(NmtError.exit_code if stop.signal is None else 128 + stop.signal)
            time.sleep(SECONDS_BETWEEN_POLLS)
        self._enter(session)

    def _enter(self, session: str) -> None:
        rank, size = self.process.rank, self.process.world_size
        self._messages = Messages(self._store, session)
        # A connection of its own: one that is blocked blocks all who use it.
        own = self._store.clone()  # type: ignore[attr-defined]  # which mypy has not heard of
        handshake = Handshake(own)
        others = range(1, size) if rank == 0 else [0]
        answer = partial(handshake.answer, session=session) if rank == 0 else lambda _: None
        self._heartbeat = Heartbeat(Messages(own, session), rank, others, self._abort, answer)

    def _abort(self, what: str) -> None:
        """Ends this process, since others are lost. It may be blocked anywhere, and hold what others wait for."""
        # Also where a message cannot be written, since a terminal is stopped or a disk hangs.
        late = threading.Timer(SECONDS_TO_TELL, os._exit, [NmtError.exit_code])
        late.daemon = True
        late.start()
        what = f"{what}; the same command goes on from the last checkpoint"
        if self.is_first:
            logger.error("%s", what)
        else:
            tell_on_this_machine(self.process, NmtError("", what))
        os._exit(NmtError.exit_code)

    @property
    def alone(self) -> bool:
        """True if there is but one process."""
        return self.process.is_alone

    @property
    def is_first(self) -> bool:
        """True if this is the process that validates, writes and reports."""
        return self.process.rank == 0

    def begin(self, plan: dict[str, Any]) -> None:
        """Publishes the plan of the training; called by the first process when everything is prepared."""
        if not self.alone:
            self._publish(_PLAN, plan)

    def plan(self, stop: StopRequest) -> Any:
        """Waits for the plan that the first process gave to `begin`, and returns it; errors are those of `share`."""
        return self._wait_for(_PLAN, stop, SECONDS_TO_BE_DISMISSED)

    def share(self, value: Any, stop: StopRequest) -> Any:
        """Returns the value of the first process, which JSON can hold; the others wait for it, and pass any value.

        Raises DismissedError if the first process has left. After a signal the others wait on: the first is to save.
        """
        if self.alone:
            return value
        self._shared += 1
        key = f"{_SHARED}-{self._shared}"
        if self.is_first:
            self._publish(key, value)
            return value
        return self._wait_for(key, stop)

    @contextmanager
    def joined(self, device: torch.device, stop: StopRequest) -> Iterator[None]:
        """Waits until all processes have come here; inside, they can compute together.

        Raises:
            DismissedError: as for `share`.
            StoppedError: in the first process, a signal came.
            NmtError: in the first process, another has failed.
        """
        if self.alone:
            yield
            return
        self._wait_for_all(stop)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group(
            # The few numbers of `gather` are sent from the CPU, gradients from where they are.
            "gloo" if device.type == "cpu" else f"cpu:gloo,{device.type}:nccl",
            store=self._sent.store,
            rank=self.process.rank,
            world_size=self.process.world_size,
            timeout=timedelta(seconds=SECONDS_OF_UPDATE),
        )
        yield
        # Not after an error: it might wait for processes that are gone.
        dist.destroy_process_group()

    def _wait_for_all(self, stop: StopRequest) -> None:
        if not self.is_first:
            self._publish(f"{_READY}-{self.process.rank}", True)
            self._wait_for(_GO, stop, SECONDS_TO_BE_DISMISSED)
            return
        for rank in range(1, self.process.world_size):
            while self._lookup(f"{_READY}-{rank}") is None:
                stop.check()
                if (failure := self._reported()) is not None:
                    raise failure
                time.sleep(SECONDS_BETWEEN_POLLS)
        self._publish(_GO, True)

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
            if self.alone:
                raise
            # The launcher ends all processes when one has ended; but this one has yet to report the cause.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            cause = self._cause_elsewhere(error)
            if cause is None:
                raise
            raise cause from error

    def _cause_elsewhere(self, error: BaseException) -> Exception | None:
        if not isinstance(error, Exception) or (isinstance(error, NmtError) and not isinstance(error, StoppedError)):
            return None
        lost = is_lost_connection(error)
        until = time.monotonic() + (SECONDS_TO_TELL if lost else 0)
        with suppress(RuntimeError):  # the store is gone, too
            while (failure := self._reported()) is None and time.monotonic() < until:
                time.sleep(SECONDS_BETWEEN_POLLS)
            if failure is not None:
                return failure
        what = "another process has ended, or is far behind; the same command goes on from the last checkpoint"
        return NmtError("", what) if lost else None

    def report(self, error: BaseException) -> int:
        """Reports to the first process the error that ended this one; returns its exit code.

        Where the launcher restarts what fails, no error of one machine ends all of them: the others may do without it.
        """
        failure = failure_as_json(self.process.rank, error)
        if has_to_end(self.process, failure.get("exit_code", 0)):
            failure["exit_code"] = NmtError.exit_code
        with suppress(RuntimeError):  # the store is gone
            self._publish(_FAILURE, failure)
            self._publish(f"{_LEFT}-{self.process.rank}", True)
        return int(failure.get("exit_code", NmtError.exit_code))

    def _reported(self) -> Exception | None:
        failure = self._lookup(_FAILURE)
        return None if failure is None else failure_from_json(failure)

    def dismiss(self, exit_code: int) -> None:
        """Lets the others leave with the exit code of the first process, which has reported every error.

        It waits until they have: the store may end with this process.
        """
        assert self._heartbeat is not None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the launcher ends all when the first of them has ended
        self._publish(_DISMISSED, exit_code)  # which may block; then the heartbeat ends this process
        self._heartbeat.end()
        begun = time.monotonic()
        for rank in range(1, self.process.world_size):
            while self._lookup(f"{_LEFT}-{rank}") is None:
                late = is_final(exit_code) and not self._heartbeat.has_come(rank)
                if time.monotonic() - begun > (SECONDS_TO_COME if late else SECONDS_TO_TELL):
                    break
                time.sleep(SECONDS_BETWEEN_POLLS)

    def dismissal(self, seconds: float = math.inf) -> int | None:
        """Returns the exit code with which the first process left; None if there is none within so many seconds.

        Without a limit it ends when the first process has left, or is lost.
        """
        until = time.monotonic() + seconds
        with suppress(RuntimeError):  # the store is gone
            while (exit_code := self._dismissed()) is None and time.monotonic() < until:
                time.sleep(SECONDS_BETWEEN_POLLS)
            return exit_code
        return None

    def _dismissed(self) -> int | None:
        exit_code = self._lookup(_DISMISSED)
        if exit_code is None:
            return None
        self._publish(f"{_LEFT}-{self.process.rank}", True)
        return int(exit_code)

    @property
    def _sent(self) -> Messages:
        assert self._messages is not None, "this process has not joined the others"
        return self._messages

    def _publish(self, key: str, value: Any) -> None:
        self._sent.publish(key, value)

    def _lookup(self, key: str) -> Any:
        return self._sent.look_up(key)

    def _wait_for(self, key: str, stop: StopRequest, seconds_to_stop: float = math.inf) -> Any:
        """Waits for a message; once a signal has come, so many seconds more at most."""
        stopped_at: float | None = None
        while (value := self._lookup(key)) is None:
            if (exit_code := self._dismissed()) is not None:
                raise DismissedError(exit_code)
            if stop.signal is not None:
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > seconds_to_stop:
                    raise DismissedError(self.report(StoppedError("", "asked to stop", stop.signal)))
            time.sleep(SECONDS_BETWEEN_POLLS)
        return value


def without_synchronizing(module: nn.Module) -> AbstractContextManager[None]:
    """Returns a context in which each process adds up a `synchronized` module's gradients, until a call outside it."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()
