"""Requests to stop by a signal: training saves its state first, and then ends."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, Self

from nmt.errors import StoppedError


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

    def check(self, outcome: str = "; the same command can be run again") -> None:
        """Raises StoppedError once a signal has come, with what is left then; by default nothing was saved."""
        if self.signal is not None:
            name = "interrupted" if self.signal == signal.SIGINT else "terminated"
            raise StoppedError("", f"{name}{outcome}", self.signal)


def _signals() -> list[signal.Signals]:
    signals = [signal.SIGINT, signal.SIGTERM]
    # A terminal that is closed sends SIGHUP; under `nohup` it is ignored, and stays so.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    return signals
