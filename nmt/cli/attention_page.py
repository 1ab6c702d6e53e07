"""`nmt attend --output x.html`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli import graphics
from nmt.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nmt.io.lines import Line
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator


def write_page(
    translator: Translator, options: TranslateOptions, batches: Iterable[list[Line]], where: str, unit: str, output: str
) -> None:
    """Writes the attention page of lines.

    Args:
        translator: translates the lines.
        options: of the search.
        batches: the lines, in parts.
        where: origin of the lines, which errors name.
        unit: `word` or `token`, of the ribbons and the matrix at first.
        output: the file to write.

    Raises:
        DataError: no lines, more than a page can show, or some that are too long; with the last, the page is written.
        StorageError: the page cannot be written. What was there before is untouched.
    """
    from nmt.io.atomic_files import check_output, write_output
    from nmt.visualization.attention_page import MAX_LINES, attention_page
    from nmt.visualization.attention_page.document import PageSubject, check_tokens

    check_output(Path(output))  # reported before the work is done
    lines = _all_of(batches)
    graphics.check_count(where, len(lines), MAX_LINES, "a page shows")
    texts = [line.text for line in lines]
    check_tokens(sum(map(len, translator.tokenizers.source.encode(texts))), translator.config, where)
    traced = translator.attend_lines(texts, options, numbers=[line.number for line in lines])
    subject = PageSubject(
        translator.config,
        beam_size=options.width,
        length_penalty=options.search.length_penalty,
        unit=unit,
    )
    write_output(Path(output), attention_page(traced, subject, where).encode())
    if too_long := sum(line.too_long for line in lines):
        raise DataError(where, f"too long, and left out: {too_long}")


def _all_of(batches: Iterable[list[Line]]) -> list[Line]:
    """Returns all lines; if a page cannot hold them, only as many as are too many."""
    from nmt.visualization.attention_page import MAX_LINES

    lines: list[Line] = []
    for batch in batches:
        lines += batch
        if len(lines) > MAX_LINES:
            break
    return lines
