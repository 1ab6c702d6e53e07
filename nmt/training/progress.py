"""The display of progress while a model trains: a bar on a terminal, a log line now and then elsewhere."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from tqdm import tqdm

from nmt.training.signals import StopRequest

SECONDS_BETWEEN_LINES = 10.0

logger = logging.getLogger(__name__)


def duration(seconds: float) -> str:
    """Formats seconds as people say them: 42s, 3m05s, 2h07m; "?" if unknown."""
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


class _Progress:
    """A bar where standard error is a terminal, and a line in the log now and then."""

    def __init__(self, first_line: float, *, quiet: bool, **bar: Any) -> None:
        shown = sys.stderr is not None and sys.stderr.isatty() and not quiet
        self._bar = tqdm(**bar, disable=not shown, file=sys.stderr, leave=False)
        self._next_line = first_line

    def close(self) -> None:
        """Removes the bar."""
        self._bar.close()

    def _log_if_due(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._next_line:
            self._next_line = now + SECONDS_BETWEEN_LINES
            # On a terminal the bar says the same; the log file has no bar.
            logger.info(text, extra={"to_file_only": not self._bar.disable})


class TrainingProgress(_Progress):
    """Shows the progress of training; the bar stands for the share of the nearest limit that is used up."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(0.0, quiet=quiet, total=100, bar_format="{percentage:3.0f}%|{bar:8}| {desc}")

    def show(self, share: float, text: str) -> None:
        """Shows the share done, 0 to 1, and a line about it."""
        if not self._bar.disable:
            self._bar.n = round(100 * share)
            self._bar.set_description_str(text, refresh=True)
        self._log_if_due(text)


class CountProgress(_Progress):
    """Shows the count of things of an unknown total, such as pairs being tokenised."""

    def __init__(self, what: str, unit: str, *, quiet: bool) -> None:
        super().__init__(time.monotonic() + SECONDS_BETWEEN_LINES, quiet=quiet, desc=what, unit=f" {unit}")
        self._what, self._unit = what, unit
        self._count = 0

    def show(self, count: int) -> None:
        """Shows the number done."""
        self._count = max(count, self._count)
        self._bar.update(self._count - self._bar.n)
        self._log_if_due(f"{self._what}: {self._count:,} {self._unit}")


@contextmanager
def count_until_stopped(what: str, unit: str, stop: StopRequest, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Shows a `CountProgress` inside the context, and yields the function that sets the number done.

    That raises StoppedError once a signal has come.
    """
    with closing(CountProgress(what, unit, quiet=quiet)) as progress:

        def show(count: int) -> None:
            stop.check()
            progress.show(count)

        yield show
