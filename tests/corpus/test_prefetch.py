import threading
import time
from collections.abc import Iterator

import pytest

from nmt.corpus.prefetch import prefetched


def threads() -> int:
    return sum(thread.name == "prefetch" for thread in threading.enumerate())


def test_prefetched_items_are_the_same_in_the_same_order() -> None:
    assert list(prefetched(iter(range(1000)), ahead=3)) == list(range(1000))
    assert threads() == 0


def test_an_error_passes_with_all_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise KeyError("broken")

    results = prefetched(items(), ahead=8)
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(KeyError, match="broken"):
        next(results)
    assert threads() == 0


def test_closing_ends_the_thread_and_the_iterator() -> None:
    ended = threading.Event()

    def items() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            ended.set()

    iterator = items()  # held here, it does not end by being forgotten
    results = prefetched(iterator, ahead=2)
    assert next(results) == 0
    results.close()
    assert ended.is_set()
    assert threads() == 0


def test_an_error_of_the_consumer_ends_the_thread() -> None:
    def work() -> None:
        for number in prefetched(iter(range(10**9))):
            if number == 3:
                raise RuntimeError("in the step")

    with pytest.raises(RuntimeError, match="in the step"):
        work()
    assert threads() == 0


def test_no_more_is_prepared_than_asked_for() -> None:
    prepared: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            prepared.append(number)
            yield number

    def settled(count: int) -> bool:
        deadline = time.monotonic() + 5
        while len(prepared) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        return len(prepared) == count

    results = prefetched(items(), ahead=4)
    next(results)
    assert settled(4)
    next(results)
    assert settled(5)
    results.close()
