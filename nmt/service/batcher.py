"""Batches of sentences across requests, put together by one thread for each model.

Requests are asked for sentences by turns, so that a long one does not keep a short one waiting. Sentences that are
computed together are of similar length, and a sentence that several requests wait for is computed once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from nmt.service.computing import ComputingThread
from nmt.service.tasks import Task
from nmt.translation.translator import Translator

QUIET = 0.002
"""Seconds without another sentence after which a batch begins, even if more were expected."""

GATHERING = 0.012
"""Seconds after a batch within which clients that were answered are expected to ask again."""

WINDOW = 4
"""Number of batches' sentences among which those of similar length are looked for."""

CHARACTERS = 1 << 14
"""Maximum number of characters of several sentences computed together."""

logger = logging.getLogger(__name__)


class QueueFullError(Exception):
    """The queue cannot take a request's sentences; `seconds` is when it probably can."""

    def __init__(self, seconds: int) -> None:
        super().__init__("the queue is full")
        self.seconds = seconds


class AbandonedError(Exception):
    """Nobody waits any more for what is being computed."""


@dataclass(eq=False)
class _Entry:
    """A sentence to compute, and the places in requests that wait for it."""

    task: Task
    text: str
    waiting: list[tuple[Ticket, int]] = field(default_factory=list)
    is_taken: bool = False  # out of the queue: being computed, or abandoned


class Ticket:
    """The sentences of a request, as their results come."""

    def __init__(self, batcher: Batcher, count: int) -> None:
        self._batcher = batcher
        self.entries: list[_Entry] = []
        self.pending: deque[_Entry] = deque()
        self._results: list[Any] = [None] * count
        self._left = count
        self._changed = asyncio.Event()

    async def all(self) -> list[Any]:
        """Returns the results in their order; raises the first error among them."""
        while self._left:
            self._changed.clear()
            await self._changed.wait()
        for result in self._results:
            if isinstance(result, Exception):
                raise result
        return self._results

    async def each(self) -> AsyncIterator[Any]:
        """Yields the results in their order, each as soon as it is there; raises an error in its place."""
        for place in range(len(self._results)):
            while self._results[place] is None:
                self._changed.clear()
                await self._changed.wait()
            if isinstance(self._results[place], Exception):
                raise self._results[place]
            yield self._results[place]

    def cancel(self) -> None:
        """Takes the sentences that nobody else waits for out of the queue."""
        if self._left:
            self._batcher.abandon(self)

    def deliver(self, place: int, result: Any) -> None:
        """Takes a result; to be called in the event loop."""
        self._results[place] = result
        self._left -= 1
        self._changed.set()


class Batcher:
    """The queue and the worker of one model.

    `submit` and what tickets do belong to the event loop. All models share `computing`.
    """

    def __init__(self, translator: Translator, queue: int, computing: ComputingThread) -> None:
        self.translator = translator
        self.queued = 0
        self.batches = 0
        self.sentences = 0
        self.seconds = 0.0
        self._most_queued = queue
        self._computing = computing
        self._turns: deque[Ticket] = deque()
        self._in_flight: dict[tuple[Task, str], _Entry] = {}
        self._batch: list[_Entry] = []
        self._changed = threading.Condition()
        self._arrivals = 0
        self._answered = 0
        self._answered_at = -math.inf
        self._is_abandoned = False
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="nmt-worker", daemon=True)

    def start(self) -> asyncio.Future[None]:
        """Starts the worker; to be called in the event loop that the results go to.

        Returns what is done when the worker has ended: after `close`, or by a fault of its own, which it then raises.
        """
        self.translator.tick = self.tick
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._thread.start()
        return self._ended

    def close(self) -> None:
        """Lets the worker end when its batch is done."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def exchange(self, translator: Translator) -> None:
        """Puts another translator in place of the one before, for all that is not being computed yet."""
        translator.tick = self.tick
        with self._changed:
            self.translator = translator
            self._in_flight = {key: entry for key, entry in self._in_flight.items() if not entry.is_taken}

    def submit(self, task: Task, texts: Sequence[str]) -> Ticket:
        """Puts sentences in the queue; raises QueueFullError if they are too many."""
        ticket = Ticket(self, len(texts))
        with self._changed:
            new = len({text for text in texts if (task, text) not in self._in_flight})
            if self.queued + new > self._most_queued:
                raise QueueFullError(self._seconds_for(self.queued + new - self._most_queued))
            for place, text in enumerate(texts):
                entry = self._in_flight.get((task, text))
                if entry is None:
                    entry = self._in_flight[task, text] = _Entry(task, text)
                    self.queued += 1
                # Its own places are the last ones.
                if not entry.waiting or entry.waiting[-1][0] is not ticket:
                    ticket.entries.append(entry)
                    ticket.pending.append(entry)
                entry.waiting.append((ticket, place))
            if ticket.pending:
                self._turns.append(ticket)
            self._arrivals += len(texts)
            self._changed.notify()
        return ticket

    def abandon(self, ticket: Ticket) -> None:
        """Forgets a request: what only it waits for is not computed."""
        with self._changed:
            for entry in ticket.entries:
                entry.waiting = [one for one in entry.waiting if one[0] is not ticket]
                if not entry.waiting and self._in_flight.get((entry.task, entry.text)) is entry:
                    del self._in_flight[entry.task, entry.text]
                    if not entry.is_taken:
                        entry.is_taken = True
                        self.queued -= 1
            if ticket in self._turns:
                self._turns.remove(ticket)
            self._is_abandoned = bool(self._batch) and not any(entry.waiting for entry in self._batch)

    def tick(self) -> None:
        """Ends a search that nobody waits for any more; called before each of its steps."""
        if self._is_abandoned:
            raise AbandonedError

    def _seconds_for(self, sentences: int) -> int:
        """Estimates in how many seconds so many sentences are computed."""
        rate = self.sentences / self.seconds if self.seconds else 10.0
        return min(60, max(1, math.ceil(sentences / max(rate, 0.1))))

    def _work(self) -> None:
        try:
            self._compute_batches()
        except BaseException as error:
            self._call_in_loop(_end, self._ended, error)
        else:
            self._call_in_loop(_end, self._ended, None)

    def _compute_batches(self) -> None:
        while True:
            with self._changed:
                while not (self._turns or self._is_closed):
                    self._changed.wait()
                if self._is_closed:
                    return
                self._gather()
                self._batch = self._take()
                self._is_abandoned = False
            if not self._batch:
                continue
            start = time.monotonic()
            results = self._compute(self._batch)
            self.batches += 1
            self.sentences += len(self._batch)
            self.seconds += time.monotonic() - start
            self._answer(self._batch, results)

    def _gather(self) -> None:
        """Waits a few milliseconds for those who were just answered, while they ask again."""
        end = self._answered_at + GATHERING
        while self._turns and self.queued < min(self._turns[0].pending[0].task.most, self._answered):
            before, left = self._arrivals, end - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(min(QUIET, left))
            if self._arrivals == before:
                return

    def _take(self) -> list[_Entry]:
        """Takes a batch out of the queue: the sentence whose turn it is, and others of similar length."""
        while self._turns and all(entry.is_taken for entry in self._turns[0].pending):
            self._turns.popleft()
        if not self._turns:
            return []
        window = self._by_turns()
        first = window[0]
        window[1:] = sorted(window[1:], key=lambda entry: abs(len(entry.text) - len(first.text)))
        batch, characters = [first], len(first.text)
        for entry in window[1 : first.task.most]:
            characters += len(entry.text)
            if characters > CHARACTERS:
                break
            batch.append(entry)
        for entry in batch:
            entry.is_taken = True
        self.queued -= len(batch)
        self._turns.rotate(-1)
        for ticket in list(self._turns):
            ticket.pending = deque(entry for entry in ticket.pending if not entry.is_taken)
            if not ticket.pending:
                self._turns.remove(ticket)
        return batch

    def _by_turns(self) -> list[_Entry]:
        """Lists sentences of the task whose turn it is: one of each request, then another of each, up to a window."""
        task = next(entry.task for entry in self._turns[0].pending if not entry.is_taken)
        most = WINDOW * task.most
        rows = [
            list(islice((entry for entry in ticket.pending if not entry.is_taken and entry.task == task), most))
            for ticket in islice(self._turns, most)
        ]
        found: dict[int, _Entry] = {}
        for place in range(max(map(len, rows))):
            found |= {id(row[place]): row[place] for row in rows if place < len(row)}
            if len(found) >= most:
                break
        return list(found.values())[:most]

    def _compute(self, batch: Sequence[_Entry]) -> list[Any]:
        task, texts = batch[0].task, [entry.text for entry in batch]
        try:
            return self._computing.run(task.run, self.translator, texts)
        except AbandonedError as error:
            return [error] * len(batch)
        except Exception as error:
            if len(batch) == 1:
                return [error]
            # One of them is to blame, and the others are not.
            return [self._compute([entry])[0] for entry in batch]

    def _answer(self, batch: Sequence[_Entry], results: Sequence[Any]) -> None:
        with self._changed:
            answers = []
            for entry, result in zip(batch, results, strict=True):
                if self._in_flight.get((entry.task, entry.text)) is entry:
                    del self._in_flight[entry.task, entry.text]
                answers += [(ticket, place, result) for ticket, place in entry.waiting]
            self._batch = []
            self._answered, self._answered_at = len(answers), time.monotonic()
        self._call_in_loop(_deliver, answers)

    def _call_in_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)


def _end(ended: asyncio.Future[None], error: BaseException | None) -> None:
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)


def _deliver(answers: Sequence[tuple[Ticket, int, Any]]) -> None:
    for ticket, place, result in answers:
        ticket.deliver(place, result)
