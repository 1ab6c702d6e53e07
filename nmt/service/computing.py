"""The one thread that all models compute in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")


class ComputingThread:
    """Runs one function after the other, those of several models by turns, in one thread for all.

    GNU's OpenMP keeps threads for each thread that has computed. Where all of them are more than the processors, they
    sleep as soon as they wait, and a short sentence takes almost twice as long. So models are loaded here, too.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name="nmt-computing", daemon=True).start()

    def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Returns what a function does, once its turn has come; raises what it raises."""
        future: Future[Result] = Future()

        def call() -> None:
            try:
                future.set_result(function(*arguments))
            except BaseException as error:
                future.set_exception(error)

        self._calls.put(call)
        return future.result()

    def close(self) -> None:
        """Lets the thread end once what was asked for is done."""
        self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            call()
            del call  # with what it holds, which would stay until the next
