"""A process that falls silent is missed, and so is the store; one that is alive is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from nmt.training.distributed.heartbeat import Heartbeat
from nmt.training.distributed.messages import Messages

SILENCE = 0.2


class Store:
    """Messages in memory, of a connection that may hang, as to a machine that is cut off, or end."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.hangs, self.is_gone = threading.Event(), threading.Event()

    def publish(self, key: str, value: Any) -> None:
        while self.hangs.is_set() and not self.is_gone.is_set():
            time.sleep(0.01)
        if self.is_gone.is_set():
            raise RuntimeError("Connection reset by peer")
        self.values[key] = value

    def look_up(self, key: str) -> Any:
        return self.values.get(key)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name, seconds in (("BETWEEN_BEATS", 0.02), ("OF_SILENCE", SILENCE), ("TO_COME", 2 * SILENCE)):
        monkeypatch.setattr(f"nmt.training.distributed.heartbeat.SECONDS_{name}", seconds)
    made = Store()
    yield made
    made.is_gone.set()


def watch(store: Store, rank: int, *others: int) -> tuple[Heartbeat, list[str]]:
    told: list[str] = []
    return Heartbeat(cast("Messages", store), rank, others, told.append), told


def until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


def test_who_beats_is_not_missed_until_it_falls_silent(store: Store) -> None:
    heartbeat, told = watch(store, 0, 1, 2)
    begun = time.monotonic()
    while time.monotonic() < begun + 4 * SILENCE:
        store.values |= {"beat-1": time.monotonic(), "beat-2": time.monotonic()}
        time.sleep(0.02)
        assert not told
    assert heartbeat.has_come(1) and store.values["beat-0"] > 3
    until(lambda: told)
    assert told == ["process 1 has not been heard of for 0 seconds"]


def test_who_never_comes_is_missed_later(store: Store) -> None:
    begun = time.monotonic()
    heartbeat, told = watch(store, 0, 1)
    until(lambda: told)
    assert told == ["process 1 has not come within 0 seconds"] and time.monotonic() - begun >= 2 * SILENCE
    assert not heartbeat.has_come(1)


@pytest.mark.parametrize("how", ["hangs", "is_gone"])
def test_a_store_that_does_not_answer_is_missed(store: Store, how: str) -> None:
    _, told = watch(store, 1, 0)
    until(lambda: "beat-1" in store.values)
    getattr(store, how).set()
    until(lambda: told)
    assert told == ["no other process can be reached for 0 seconds"]


def test_after_a_pause_of_its_own_it_listens_before_it_judges(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a machine that is suspended: no thread runs, and the clock goes on."""
    paused, clock = [0.0], time.monotonic
    monkeypatch.setattr("nmt.training.distributed.heartbeat.time.monotonic", lambda: clock() + paused[0], raising=True)
    heartbeat, told = watch(store, 0, 1)
    store.values["beat-1"] = 1
    until(lambda: heartbeat.has_come(1))
    for count in range(2, 60):
        store.values["beat-1"] = count
        if count == 20:
            paused[0] = 1000 * SILENCE
        time.sleep(0.01)
    assert not told
    until(lambda: told)


def test_who_watches_no_more_misses_nobody(store: Store) -> None:
    heartbeat, told = watch(store, 1, 0)
    heartbeat.end()
    time.sleep(3 * SILENCE)
    assert not told
    assert store.values["beat-1"] > 3, "it beats as long as it lives"
