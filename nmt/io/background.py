"""The background of the terminal, which the terminal itself or the environment tells."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from contextlib import suppress

SECONDS_TO_ANSWER = 0.5

# OSC 11 asks for the background. Which terminal does not know it keeps silent; so the question after it, for what the
# terminal is, which all answer, tells when there is nothing more to wait for.
_QUESTIONS = b"\x1b]11;?\x1b\\\x1b[c"
_LAST_ANSWER = re.compile(rb"\x1b\[\?[0-9;]*c")
_COLOUR = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
_MOST_BYTES = 4096
_LIGHT_COLOURS = ("7", "9", "10", "11", "12", "13", "14", "15")  # of the sixteen that COLORFGBG counts


def luminance_of_background() -> float | None:
    """Returns the relative luminance of the terminal's background, 0 (black) to 1 (white); None where nobody tells.

    Asks the terminal that standard input and output are, if it may: what a person typed ahead stays in its input.
    """
    answer = _ask() if _can_be_asked() else b""
    if found := _COLOUR.search(answer):
        red, green, blue = (linear(int(part, 16) / (16 ** len(part) - 1)) for part in found.groups())
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    colour = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return (1.0 if colour in _LIGHT_COLOURS else 0.0) if colour.isascii() and colour.isdigit() else None


def linear(value: float) -> float:
    """Returns the light, from 0 to 1, of a component of a colour of sRGB, from 0 to 1; of a grey, its luminance."""
    light: float = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    return light


def _can_be_asked() -> bool:
    """Returns True for one terminal on both streams, in whose foreground this process runs, and with somebody there."""
    if os.environ.get("TERM", "dumb") == "dumb" or any(name in os.environ for name in ("CI", "JPY_PARENT_PID")):
        return False
    with suppress(OSError, ValueError, AttributeError):  # no stream, no terminal, or a system without terminals
        ours, theirs = sys.stdin.fileno(), sys.stdout.fileno()
        same = os.ttyname(ours) == os.ttyname(theirs)
        return same and os.tcgetpgrp(ours) == os.getpgrp()
    return False


def _ask() -> bytes:
    """Returns what the terminal answers; its mode is afterwards as before."""
    try:
        import termios
        import tty
    except ImportError:
        return b""
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    answer = b""
    with suppress(OSError, termios.error):
        before = termios.tcgetattr(keyboard)
        try:
            tty.setcbreak(keyboard, termios.TCSADRAIN)
            if select.select([keyboard], [], [], 0)[0]:
                return b""  # typed ahead, and meant for others
            sys.stdout.flush()
            os.write(screen, _QUESTIONS)
            until = time.monotonic() + SECONDS_TO_ANSWER
            while len(answer) < _MOST_BYTES and not _LAST_ANSWER.search(answer):
                left = until - time.monotonic()
                if left <= 0 or not select.select([keyboard], [], [], left)[0]:
                    break
                answer += os.read(keyboard, _MOST_BYTES)
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    return answer
