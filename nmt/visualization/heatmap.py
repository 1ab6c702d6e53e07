"""Attention as text: a grid of shaded blocks, source words across and target words down."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.alignment.words import Weights
from nmt.io.terminal import isolated, label, width

SHADES = " ░▒▓█"
CELL = 2  # columns of a cell
LEAST_CELLS = 4  # of a band, however narrow the terminal
LONGEST_WORD = 40  # columns shown of a word
SHORT_WORD = 12  # columns of a source word that are not given up for another cell
LEAST_WORD = 4


def heatmap(
    source: Sequence[str], target: Sequence[str], weights: Weights, *, color: bool = False, columns: int | None = None
) -> list[str]:
    """Lines that show how much each target word looked at each source word.

    Each source word stands on a line of its own, from which a stem leads down to its column; each target word stands at
    the left of its row. Nothing but a label's own width thus depends on how a terminal draws its script. Each cell is
    shaded by its weight, or with `color` by a 256-colour grey behind it. Of a long word the end is left out.

    Args:
        source, target: words; what a terminal would obey is made visible.
        weights: (target words, source words), each row summing to 1.
        color: use ANSI sequences: for colours, and to begin the cells of a row in their column whatever the width that
            the terminal gives to the label.
        columns: how wide a line may be; where the source does not fit, it is drawn in bands, one below the other, with
            all of the target in each. None for any width.
    """
    longest = LONGEST_WORD if columns is None else max(LEAST_WORD, min(LONGEST_WORD, columns // 3))
    labels = [label(word, longest) for word in target]
    margin = max(map(width, labels), default=0)
    rooms = None if columns is None else range(columns - margin - 1 - CELL, -1, -CELL)
    lines: list[str] = []
    start = 0
    while start < len(source):
        header = _header(source[start:], rooms)
        stop = start + len(header)
        lines += [""] * bool(lines)
        lines += [" " * (margin + 1) + line for line in header]
        for text, row in zip(labels, weights[:, start:stop].tolist(), strict=True):
            drawn = "".join(_cell(weight, color=color) for weight in row)
            lines.append(f"{_beside(text, margin, color=color)} {drawn}".rstrip())
        start = stop
    return lines


def _header(words: Sequence[str], rooms: Sequence[int] | None) -> list[str]:
    """A line for each of the first words, as many as there is room for: the stems of those before it, and its own.

    Args:
        rooms: the columns that are left for each word; None for any number.
    """
    lines: list[str] = []
    for place, word in enumerate(words):
        room = LONGEST_WORD
        if rooms is not None:
            room = min(room, rooms[place]) if place < len(rooms) else 0
        text = label(word, max(LEAST_WORD, room))
        if place >= LEAST_CELLS and width(label(word, SHORT_WORD)) > room:
            break
        lines.append("│ " * place + "╭ " + isolated(text))
    return lines


def _beside(text: str, margin: int, *, color: bool) -> str:
    """The label of a row, ending at the margin."""
    space = " " * (margin - width(text))
    # Terminals differ in how wide emoji, marks and some scripts are.
    column = f"\x1b[{margin + 1}G" if color and not text.isascii() else ""
    return f"{space}{isolated(text)}{column}"


def _cell(weight: float, *, color: bool) -> str:
    if color:
        shade = 232 + round(weight * 23)
        return f"\x1b[48;5;{shade}m{' ' * CELL}\x1b[0m"
    return SHADES[min(len(SHADES) - 1, int(weight * len(SHADES)))] * CELL
