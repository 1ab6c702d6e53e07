"""`nmt attend --output x.html`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli import pictures
from nmt.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nmt.io.lines import Line
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator


def write_page(
    translator: Translator, search: TranslateOptions, batches: Iterable[list[Line]], place: str, unit: str, output: str
) -> None:
    """Writes a page of the attention of some lines, whose `place` errors name, by words or tokens at first.

    Raises:
        DataError: no lines, more than a page can show, or some that are too long; with the last, the page is written.
        StorageError: the page cannot be written. What was there before is untouched.
    """
    from nmt.io.atomic_files import check_output, write_output
    from nmt.visualization.attention_page import MOST_LINES, attention_page
    from nmt.visualization.attention_page.document import Subject, check_tokens

    check_output(Path(output))  # told before the work is done
    lines = _all_of(batches)
    pictures.check_count(place, len(lines), MOST_LINES, "a page shows")
    texts = [line.text for line in lines]
    check_tokens(sum(map(len, translator.tokenizers.source.encode(texts))), translator.config, place)
    traced = translator.attend_lines(texts, search, numbers=[line.number for line in lines])
    subject = Subject(
        translator.config,
        beam_size=search.width,
        length_penalty=search.search.length_penalty,
        unit=unit,
    )
    write_output(Path(output), attention_page(traced, subject, place).encode())
    if too_long := sum(line.too_long for line in lines):
        raise DataError(place, f"too long, and left out: {too_long}")


def _all_of(batches: Iterable[list[Line]]) -> list[Line]:
    """The lines, or as many as are too many for a page."""
    from nmt.visualization.attention_page import MOST_LINES

    lines: list[Line] = []
    for some in batches:
        lines += some
        if len(lines) > MOST_LINES:
            break
    return lines
