"""`nmt attend --output x.html`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.logs import logger
from nmt.errors import DataError

if TYPE_CHECKING:
    from nmt.text.lines import Line
    from nmt.translation import TranslateOptions
    from nmt.translator import Translator


def write_page(translator: Translator, search: TranslateOptions, texts: list[str], output: str) -> None:
    """Writes a page of the attention of some texts; of the lines of standard input, if there are none.

    Raises:
        DataError: no lines, more than a page can show, or some that are too long; with the last, the page is written.
        StorageError: the page cannot be written. What was there before is untouched.
    """
    from nmt.alignment.attention_page import attention_page
    from nmt.alignment.attention_page.document import Subject
    from nmt.storage import write_file
    from nmt.text.lines import Line
    from nmt.trace import trace

    place = "TEXT" if texts else "standard input"
    lines = [Line(number, text) for number, text in enumerate(texts, start=1)] or _lines_of_standard_input()
    _check_count(place, len(lines))
    traced = trace(translator, [line.text for line in lines], search, numbers=[line.number for line in lines])
    subject = Subject(
        translator.config,
        beam_size=search.width,
        length_penalty=search.length_penalty,
    )
    write_file(Path(output), attention_page(traced, subject, place).encode())
    if too_long := sum(line.too_long for line in lines):
        raise DataError(place, f"too long, and left out: {too_long}")


def _lines_of_standard_input() -> list[Line]:
    """Its lines, or as many as are too many for a page."""
    from nmt.alignment.attention_page import MOST_LINES
    from nmt.text.files import open_input
    from nmt.text.lines import ready_lines

    lines: list[Line] = []
    with open_input("-") as stream:
        for some in ready_lines(stream, logger.warning, most=64):
            lines += some
            if len(lines) > MOST_LINES:
                break
    return lines


def _check_count(place: str, count: int) -> None:
    from nmt.alignment.attention_page import MOST_LINES

    if not count:
        raise DataError(place, "has no line: nothing to show")
    if count > MOST_LINES:
        raise DataError(place, f"has more lines than a page shows, which is {MOST_LINES} at most")
