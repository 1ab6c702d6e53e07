"""Claims about the queue and the worker: who is served when, together with whom, and what is not computed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from nmt.service.batcher import Batcher, QueueFullError
from nmt.service.computing import ComputingThread


class Recorder:
    """A translator that tasks write down their batches at, and can be held up at."""

    tick: Callable[[], None]

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)


@dataclass(frozen=True)
class Upper:
    """A task that returns capitals, in batches of four."""

    most: int = 4
    name: str = ""

    def run(self, translator: Recorder, texts: Sequence[str]) -> list[Any]:
        translator.batches.append(list(texts))
        translator.begun.release()
        while not translator.go.wait(0.001):
            translator.tick()
        if "bad" in texts:
            raise ValueError("bad")
        return [text.upper() for text in texts]


@contextmanager
def batcher(queue: int = 100) -> Iterator[tuple[Batcher, Recorder]]:
    """A batcher whose first batch goes on when `recorder.go` is set."""
    recorder = Recorder()
    computing = ComputingThread()
    made = Batcher(recorder, queue, computing)
    made.start()
    try:
        yield made, recorder
    finally:
        recorder.go.set()
        made.close()
        computing.close()


def run(claim: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(claim(), 30)

    asyncio.run(limited())


async def begin(made: Batcher, recorder: Recorder) -> Any:
    """Keeps the worker busy, so that what comes next waits together."""
    ticket = made.submit(Upper(), ["first"])
    await asyncio.to_thread(recorder.begun.acquire, timeout=20)
    return ticket


def test_results_come_in_the_order_of_their_texts() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            recorder.go.set()
            texts = [f"t{number}" for number in range(11)]
            assert await made.submit(Upper(), texts).all() == [text.upper() for text in texts]
            each = [result async for result in made.submit(Upper(), texts).each()]
            assert each == [text.upper() for text in texts]

    run(claim)


def test_a_long_request_does_not_keep_a_short_one_waiting() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            await begin(made, recorder)
            long = made.submit(Upper(), [f"long{number:02}" for number in range(40)])
            short = made.submit(Upper(), ["shorty"])
            recorder.go.set()
            await short.all()
            await long.all()
            assert "shorty" in recorder.batches[1]

    run(claim)


def test_requests_together_are_of_similar_length_and_none_is_forgotten() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            await begin(made, recorder)
            tickets = [made.submit(Upper(), ["x" * (1 + number % 4 * 50 + number // 4)]) for number in range(16)]
            recorder.go.set()
            for ticket in tickets:
                await ticket.all()
            spreads = [max(map(len, batch)) - min(map(len, batch)) for batch in recorder.batches[1:]]
            assert spreads == [3] * 4

    run(claim)


def test_the_same_sentence_in_flight_is_computed_once() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            await begin(made, recorder)
            tickets = [made.submit(Upper(), ["same", "same", f"own{number}"]) for number in range(3)]
            late = made.submit(Upper(), ["first"])
            other = made.submit(Upper(name="other"), ["same"])
            assert made.queued == 5
            recorder.go.set()
            for number, ticket in enumerate(tickets):
                assert await ticket.all() == ["SAME", "SAME", f"OWN{number}"]
            assert await late.all() == ["FIRST"] and await other.all() == ["SAME"]
            texts = [text for batch in recorder.batches for text in batch]
            assert texts.count("same") == 2 and texts.count("first") == 1

    run(claim)


def test_a_sentence_that_is_asked_for_thousands_of_times_keeps_nobody_waiting() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            await begin(made, recorder)
            start = time.process_time()
            tickets = [made.submit(Upper(), ["same"] * 1000) for _ in range(30)]
            assert time.process_time() - start < 1
            recorder.go.set()
            for ticket in tickets:
                assert await ticket.all() == ["SAME"] * 1000
            assert recorder.batches == [["first"], ["same"]]

    run(claim)


def test_what_nobody_waits_for_any_more_leaves_the_queue() -> None:
    async def claim() -> None:
        with batcher(queue=3) as (made, recorder):
            await begin(made, recorder)
            gone, stays = made.submit(Upper(), ["a", "both"]), made.submit(Upper(), ["both", "b"])
            with pytest.raises(QueueFullError):
                made.submit(Upper(), ["c"])
            gone.cancel()
            assert made.queued == 2
            after = made.submit(Upper(), ["c"])
            recorder.go.set()
            assert await stays.all() == ["BOTH", "B"] and await after.all() == ["C"]
            assert "a" not in [text for batch in recorder.batches for text in batch] and made.queued == 0

    run(claim)


def test_a_search_that_nobody_waits_for_any_more_ends() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            first = await begin(made, recorder)
            first.cancel()
            second = made.submit(Upper(), ["second"])
            await asyncio.to_thread(recorder.begun.acquire, timeout=20)  # though the first was never let go on
            recorder.go.set()
            assert await second.all() == ["SECOND"]

    run(claim)


def test_the_error_of_one_sentence_is_not_that_of_its_neighbours() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            await begin(made, recorder)
            bad, good = made.submit(Upper(), ["bad"]), made.submit(Upper(), ["good"])
            recorder.go.set()
            assert await good.all() == ["GOOD"]
            with pytest.raises(ValueError, match="bad"):
                await bad.all()

    run(claim)


def test_one_client_does_not_wait_for_others(monkeypatch) -> None:
    monkeypatch.setattr("nmt.service.batcher.QUIET", 60)
    monkeypatch.setattr("nmt.service.batcher.GATHERING", 60)

    async def claim() -> None:
        with batcher() as (made, recorder):
            recorder.go.set()
            for number in range(3):
                assert await made.submit(Upper(), [f"t{number}"]).all() == [f"T{number}"]

    run(claim)


def test_those_who_were_answered_together_are_waited_for(monkeypatch) -> None:
    monkeypatch.setattr("nmt.service.batcher.QUIET", 60)
    monkeypatch.setattr("nmt.service.batcher.GATHERING", 60)

    async def claim() -> None:
        with batcher() as (made, recorder):
            await begin(made, recorder)
            tickets = [made.submit(Upper(), [text]) for text in ("a", "b", "c")]
            recorder.go.set()
            await asyncio.gather(*(ticket.all() for ticket in tickets))
            tickets = []
            for text in ("d", "e", "f"):
                await asyncio.sleep(0.05)
                tickets.append(made.submit(Upper(), [text]))
            await asyncio.gather(*(ticket.all() for ticket in tickets))
            assert recorder.batches == [["first"], ["a", "b", "c"], ["d", "e", "f"]]

    run(claim)


def test_a_full_queue_takes_no_part_of_a_request() -> None:
    async def claim() -> None:
        with batcher(queue=5) as (made, recorder):
            await begin(made, recorder)
            with pytest.raises(QueueFullError) as caught:
                made.submit(Upper(), list("abcdef"))
            assert caught.value.seconds >= 1 and made.queued == 0
            ticket = made.submit(Upper(), list("abcde"))
            recorder.go.set()
            await ticket.all()

    run(claim)


def test_another_translator_takes_over_between_two_batches() -> None:
    async def claim() -> None:
        with batcher() as (made, recorder):
            first = await begin(made, recorder)
            other = Recorder()
            other.go.set()
            made.exchange(other)
            second = made.submit(Upper(), ["second"])
            recorder.go.set()
            assert await first.all() == ["FIRST"] and await second.all() == ["SECOND"]
            assert (recorder.batches, other.batches) == ([["first"]], [["second"]])

    run(claim)
