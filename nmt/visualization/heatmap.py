"""Attention as text: a grid of shaded blocks, source words across and target words down."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.alignment.word_attention import Weights
from nmt.io.terminal import isolated, label, width

SHADES = " ░▒▓█"
CELL = 2  # columns of a cell
MIN_CELLS = 4  # of a band, however narrow the terminal
MAX_WORD = 40  # columns shown of a word
SHORT_WORD = 12  # columns that a source word keeps rather than make space for another cell
MIN_WORD = 4
# Of the 256 colours of terminals, those without a colour: their numbers, and their values from 0 (black) to 1 (white).
GREYS = [(16, 0.0), *((232 + step, (8 + 10 * step) / 255) for step in range(24)), (231, 1.0)]
HALF_STEP = 5 / 255  # a smaller difference from the background is not drawn
MIDDLE = 0.179  # relative luminance from which black stands out more than white: each has a contrast of 4.6 there


def heatmap(
    source: Sequence[str],
    target: Sequence[str],
    weights: Weights,
    *,
    color: bool = False,
    columns: int | None = None,
    background: float | None = None,
) -> list[str]:
    """Draws the attention of each target word over the source words, as lines of text.

    Each source word stands on a line of its own, from which a stem leads down to its column; each target word stands at
    the left of its row. Nothing but a label's own width thus depends on how a terminal draws its script. Each cell is
    shaded by its weight; or with `color`, on a background that is known, by a grey behind it that is further from the
    background the more weight there is, up to black or white. Of a long word the end is left out.

    Args:
        source, target: words; control characters are made visible.
        weights: (target words, source words), each row summing to 1.
        color: use ANSI sequences: for colours, and to begin the cells of a row in their column whatever the width that
            the terminal gives to the label.
        columns: how wide a line may be; where the source does not fit, it is drawn in bands, one below the other, with
            all of the target in each. None for any width.
        background: relative luminance of what is drawn on, from 0 to 1; None if that is unknown. The blocks of the
            shades have the terminal's own colour of text, which can be read on any.
    """
    max_word = MAX_WORD if columns is None else max(MIN_WORD, min(MAX_WORD, columns // 3))
    labels = [label(word, max_word) for word in target]
    margin = max(map(width, labels), default=0)
    widths = None if columns is None else range(columns - margin - 1 - CELL, -1, -CELL)
    lines: list[str] = []
    start = 0
    while start < len(source):
        header = _header(source[start:], widths)
        stop = start + len(header)
        lines += [""] * bool(lines)
        lines += [" " * (margin + 1) + line for line in header]
        for text, row in zip(labels, weights[:, start:stop].tolist(), strict=True):
            drawn = "".join(_cell(weight, background if color else None) for weight in row)
            lines.append(f"{_beside(text, margin, color=color)} {drawn}".rstrip())
        start = stop
    return lines


def _header(words: Sequence[str], widths: Sequence[int] | None) -> list[str]:
    """Draws a line for each of the first words that fit into `widths` columns, None for any number: the stems of those
    before it, and its own."""
    lines: list[str] = []
    for index, word in enumerate(words):
        available = MAX_WORD
        if widths is not None:
            available = min(available, widths[index]) if index < len(widths) else 0
        text = label(word, max(MIN_WORD, available))
        if index >= MIN_CELLS and width(label(word, SHORT_WORD)) > available:
            break
        lines.append("│ " * index + "╭ " + isolated(text))
    return lines


def _beside(text: str, margin: int, *, color: bool) -> str:
    """Returns the label of a row, ending at the margin."""
    # Terminals differ in how wide emoji, marks and some scripts are.
    column = f"\x1b[{margin + 1}G" if color and not text.isascii() else ""
    return f"{' ' * (margin - width(text))}{isolated(text)}{column}"


def _cell(weight: float, background: float | None) -> str:
    if background is not None:
        none = background / 12.92 if background <= 0.0031308 else 1.055 * background ** (1 / 2.4) - 0.055
        change = weight * ((background <= MIDDLE) - none)
        if abs(change) < HALF_STEP:
            return " " * CELL
        number = min(GREYS, key=lambda grey: abs(none + change - grey[1]))[0]
        return f"\x1b[48;5;{number}m{' ' * CELL}\x1b[0m"
    return SHADES[min(len(SHADES) - 1, int(weight * len(SHADES)))] * CELL
