"""Lines that are typed: as arguments, or on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nmt.cli.logs import logger

if TYPE_CHECKING:
    from nmt.io.lines import Line


def typed_lines(text: Sequence[str]) -> list[Line]:
    """Returns the arguments TEXT… as lines, as UTF-8 whatever the locale; warns of those that are none."""
    from nmt.io.lines import Line

    # Python decoded the arguments by the locale; text is UTF-8 in any.
    typed = [os.fsencode(line) for line in text]
    lines = [Line(number, line.decode(errors="replace")) for number, line in enumerate(typed, start=1)]
    for line, given in zip(lines, typed, strict=True):
        if line.text.encode() != given:
            logger.warning("TEXT:%d: invalid UTF-8, replaced by U+FFFD", line.number)
    return lines


def tell_of_terminal() -> None:
    """Tells somebody at a terminal, which standard input is read from, what is waited for."""
    if sys.stdin is not None and sys.stdin.isatty():
        end = "Ctrl-Z and Enter end" if sys.platform == "win32" else "Ctrl-D ends"
        logger.info("type a sentence and Enter; %s", end)
