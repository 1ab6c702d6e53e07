"""Lines that were typed as arguments, in place of those of standard input."""

from __future__ import annotations

import os
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
