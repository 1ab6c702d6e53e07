"""Prefetching: a thread prepares the next items during the work on the present one."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")


class _End(NamedTuple):
    """The end of an iterator, by itself or by an exception."""

    cause: BaseException | None


def prefetched(iterator: Iterator[Item], ahead: int = 4) -> Generator[Item, None, None]:
    """Yields the same items in the same order, up to `ahead` of them prepared by a thread before they are asked for.

    What the iterator raises is raised here, after the items before it. Closing the generator (or leaving the `for` loop
    that alone holds it) ends the thread, once it has finished its present item. The iterator runs in the thread, and
    is closed there.
    """
    slots = threading.Semaphore(ahead)
    results: SimpleQueue[Item | _End] = SimpleQueue()
    closing = threading.Event()

    def produce() -> None:
        cause: BaseException | None = None
        try:
            while slots.acquire() and not closing.is_set():
                results.put(next(iterator))
        except StopIteration:
            pass
        except BaseException as error:  # of any type: it is raised in the consumer
            cause = error
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            results.put(_End(cause))

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            result = results.get()
            if isinstance(result, _End):
                if result.cause is not None:
                    raise result.cause
                return
            yield result
            slots.release()
    finally:
        closing.set()
        slots.release()
        thread.join()
