"""Signals to a training that has not begun: of few imports, so that it is there before the rest is loaded."""

import os
import signal
import sys
from contextlib import suppress


def tell_of_signal(number: int) -> None:
    """Says of a training that a signal ends it before it began, on standard error; a handler of signals may call it.

    Later it is an error's text that says so, and other commands end without a word.
    """
    if sys.argv[1:2] == ["train"] and "--quiet" not in sys.argv:
        with suppress(OSError):
            os.write(2, b"interrupted\n" if number == signal.SIGINT else b"terminated\n")
