"""Requests to stop by a signal: training saves its state first, and then ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any, Self

from nmt.errors import StoppedError


def tell_of_signal(number: int) -> None:
    """Says of a training that a signal ends it before it began, on standard error; a handler of signals may call it.

    Later it is an error's text that says so, and other commands end without a word.
    """
    if sys.argv[1:2] == ["train"] and "--quiet" not in sys.argv:
        with suppress(OSError):
            os.write(2, b"interrupted\n" if number == signal.SIGINT else b"terminated\n")


class StopRequest:
    """Catches SIGINT, SIGTERM and SIGHUP while it is entered, and remembers the first; a second SIGINT exits at once.

    In another thread than the main one, where Python catches no signals, it remembers none.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _signals():
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            if signal.getsignal(number) == self._receive:  # else somebody inside had a reason to set another
                signal.signal(number, handler)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None and number == signal.SIGINT:
            os._exit(128 + number)
        self.signal = self.signal or number

    def check(self) -> None:
        """Raises StoppedError once a signal has come; for places where there is nothing to save."""
        if self.signal is not None:
            name = "interrupted" if self.signal == signal.SIGINT else "terminated"
            raise StoppedError("", name, self.signal)


def _signals() -> list[signal.Signals]:
    signals = [signal.SIGINT, signal.SIGTERM]
    # A terminal that is closed sends SIGHUP; under `nohup` it is ignored, and stays so.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    return signals
