"""The other processes of a training, as one of them reaches them: messages, errors, and how all of them leave.

Messages go through the launcher's key-value store, which is polled: so a wait may be of any length, and yet ends when a
signal comes or when the first process leaves. A machine that vanishes breaks no connection; its heartbeat stops, and
the process that misses it ends, whatever it is doing: a training that is killed goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
import math
import secrets
import signal
import time
from contextlib import suppress
from functools import partial
from typing import Any

from torch.distributed.distributed_c10d import Store

from nmt.errors import NmtError, StoppedError
from nmt.training.distributed.failures import abandon, failure_as_json, failure_from_json, is_lost_connection
from nmt.training.distributed.heartbeat import Heartbeat
from nmt.training.distributed.launcher import has_to_end, is_final
from nmt.training.distributed.messages import Handshake, Messages, connect
from nmt.training.distributed.rank import ProcessRank
from nmt.training.distributed.timeouts import (
    SECONDS_BETWEEN_POLLS,
    SECONDS_TO_BE_DISMISSED,
    SECONDS_TO_COME,
    SECONDS_TO_CONNECT,
    SECONDS_TO_TELL,
)
from nmt.training.signals import StopRequest

logger = logging.getLogger(__name__)

# Keys of messages.
_READY, _GO = "ready", "go"
_FAILURE, _DISMISSED, _LEFT = "failure", "dismissed", "left"


class DismissedError(Exception):
    """There is nothing more to do here, most often since the first process has left."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class Peers:
    """The other processes of a training, of which this one is the first or another.

    Attributes:
        process: which of them this is.
    """

    def __init__(self, process: ProcessRank) -> None:
        """Connects to the store of the processes; raises ConfigError or NmtError if there is none."""
        self.process = process
        self._messages: Messages | None = None
        self._heartbeat: Heartbeat | None = None
        self._store = connect(process)
        if process.is_first:
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
        others = range(1, size) if self.process.is_first else [0]
        answer = partial(handshake.answer, session=session) if self.process.is_first else lambda _: None
        lost = partial(abandon, self.process)
        self._heartbeat = Heartbeat(Messages(own, session), rank, others, lost, answer)

    @property
    def _sent(self) -> Messages:
        assert self._messages is not None, "this process has not joined the others"
        return self._messages

    @property
    def store(self) -> Store:
        """The store of this training, where torch's process group finds them."""
        return self._sent.store

    def publish(self, key: str, value: Any) -> None:
        """Sets what all can look up; JSON can hold it, and it is not None."""
        self._sent.publish(key, value)

    def wait_for(self, key: str, stop: StopRequest, seconds_to_stop: float = math.inf) -> Any:
        """Waits for what the first process publishes; once a signal has come, so many seconds more at most.

        Raises DismissedError if the first process has left, or does not answer the signal.
        """
        stopped_at: float | None = None
        while (value := self._sent.look_up(key)) is None:
            if (exit_code := self._dismissed()) is not None:
                raise DismissedError(exit_code)
            if stop.signal is not None:
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > seconds_to_stop:
                    raise DismissedError(self.report(StoppedError("", "asked to stop", stop.signal)))
            time.sleep(SECONDS_BETWEEN_POLLS)
        return value

    def meet(self, stop: StopRequest) -> None:
        """Waits until all processes have come here.

        Raises:
            DismissedError: the first process has left.
            StoppedError: in the first process, a signal came.
            NmtError: in the first process, another has failed.
        """
        if not self.process.is_first:
            self.publish(f"{_READY}-{self.process.rank}", True)
            self.wait_for(_GO, stop, SECONDS_TO_BE_DISMISSED)
            return
        for rank in range(1, self.process.world_size):
            while self._sent.look_up(f"{_READY}-{rank}") is None:
                stop.check()
                if (failure := self._reported()) is not None:
                    raise failure
                time.sleep(SECONDS_BETWEEN_POLLS)
        self.publish(_GO, True)

    def report(self, error: BaseException) -> int:
        """Reports to the first process the error that ended this one; returns its exit code.

        Where the launcher restarts what fails, no error of one machine ends all of them: the others may do without it.
        """
        if isinstance(error, NmtError) and has_to_end(self.process, error.exit_code):
            error = NmtError.from_problems(error.problems)
        failure = failure_as_json(self.process.rank, error)
        with suppress(RuntimeError):  # the store is gone
            self.publish(_FAILURE, failure)
            self.publish(f"{_LEFT}-{self.process.rank}", True)
        return int(failure["error"]["exit_code"]) if "error" in failure else NmtError.exit_code

    def _reported(self) -> Exception | None:
        failure = self._sent.look_up(_FAILURE)
        return None if failure is None else failure_from_json(failure)

    def cause_elsewhere(self, error: BaseException) -> Exception | None:
        """Returns what ended another process, if this error of the first one may be a consequence of that."""
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

    def dismiss(self, exit_code: int) -> None:
        """Lets the others leave with the exit code of the first process, which has reported every error.

        It waits until they have: the store may end with this process.
        """
        assert self._heartbeat is not None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the launcher ends all when the first of them has ended
        self.publish(_DISMISSED, exit_code)  # which may block; then the heartbeat ends this process
        self._heartbeat.end()
        begun = time.monotonic()
        for rank in range(1, self.process.world_size):
            while self._sent.look_up(f"{_LEFT}-{rank}") is None:
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
        exit_code = self._sent.look_up(_DISMISSED)
        if exit_code is None:
            return None
        self.publish(f"{_LEFT}-{self.process.rank}", True)
        return int(exit_code)
