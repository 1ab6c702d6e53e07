"""`python -m nmt`, and the command `nmt`."""

from __future__ import annotations

import os
import signal
from types import FrameType

from nmt.training.early_signals import tell_of_signal


def main() -> None:
    """Runs the command of `sys.argv` and exits with its code.

    Loading the program takes some tenths of a second, in which it has nothing to save: a signal that comes meanwhile
    ends it at once, and with the documented code.
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    from nmt.cli.main import main

    main()


def _leave(number: int, _frame: FrameType | None) -> None:
    tell_of_signal(number)
    os._exit(128 + number)


if __name__ == "__main__":
    main()
