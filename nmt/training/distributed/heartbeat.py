"""Heartbeats of the processes: a machine that is cut off, or without power, says nothing, and breaks no connection.

Then a read of the store may block for a quarter of an hour, whatever its timeout is said to be: it ends when the system
gives up sending. So one thread beats, and another watches the first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from nmt.training.distributed.messages import Messages
from nmt.training.distributed.timeouts import SECONDS_BETWEEN_BEATS, SECONDS_OF_SILENCE, SECONDS_TO_COME

_PAUSED = 10.0  # beats; a thread that has not run for longer did not run at all, as in a machine that is suspended


class Heartbeat:
    """Beats for one process, and watches others, in two threads of its own."""

    def __init__(
        self,
        messages: Messages,
        rank: int,
        others: Sequence[int],
        lost: Callable[[str], None],
        answer: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Begins to beat and to watch.

        Args:
            messages: through a connection that nobody else uses.
            rank: of this process.
            others: the ranks of those to watch.
            lost: called in another thread, once, with what happened, when one of them is silent for too long.
            answer: called now and then with the rank of each that has not come yet.
        """
        self._messages = messages
        self._rank = rank
        self._lost = lost
        self._answer = answer
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self._answered = self._begun  # the store, for the last time
        self._counts = dict.fromkeys(others, 0)
        self._heard: dict[int, float] = {}  # by rank, when it beat for the last time, of those that have come
        for work in (self._beat, self._watch):
            threading.Thread(target=work, name="heartbeat", daemon=True).start()

    def end(self) -> None:
        """Watches no more. The thread that beats ends with the process: others are to see it as long as it lives."""
        self._ended.set()

    def has_come(self, rank: int) -> bool:
        """Returns True if that process has beaten at all."""
        return rank in self._heard

    def _beat(self) -> None:
        count = 0
        try:
            while True:
                count += 1
                self._messages.publish(f"beat-{self._rank}", count)
                for rank in self._counts:
                    self._listen(rank)
                self._answered = time.monotonic()
                time.sleep(SECONDS_BETWEEN_BEATS)
        except RuntimeError:  # the store is gone: whoever waits for a message notices, and else the other thread
            return

    def _listen(self, rank: int) -> None:
        if rank not in self._heard:
            self._answer(rank)
        count = self._messages.look_up(f"beat-{rank}") or 0
        if count > self._counts[rank]:
            self._counts[rank], self._heard[rank] = count, time.monotonic()

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._ended.wait(SECONDS_BETWEEN_BEATS):
            now = time.monotonic()
            if now - looked > _PAUSED * SECONDS_BETWEEN_BEATS:
                self._begin_anew(now)
            looked = now
            if (what := self._silent()) is not None:
                self._lost(what)
                return

    def _begin_anew(self, now: float) -> None:
        """Gives all others their time again, after a pause in which this process could not listen."""
        self._begun = self._answered = now
        self._heard = dict.fromkeys(self._heard, now)

    def _silent(self) -> str | None:
        """Returns what has happened, if another process is silent for too long."""
        now = time.monotonic()
        if now - self._answered > SECONDS_OF_SILENCE:
            return f"no other process can be reached for {SECONDS_OF_SILENCE:.0f} seconds"
        for rank in self._counts:
            heard = self._heard.get(rank)
            if heard is None and now - self._begun > SECONDS_TO_COME:
                return f"process {rank} has not come within {SECONDS_TO_COME:.0f} seconds"
            if heard is not None and now - heard > SECONDS_OF_SILENCE:
                return f"process {rank} has not been heard of for {SECONDS_OF_SILENCE:.0f} seconds"
        return None
