"""Attention as text: a grid of shaded blocks, source words across and target words down."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from nmt.alignment.words import Weights

SHADES = " ░▒▓█"
CELL = 2  # columns of a cell


def heatmap(source: Sequence[str], target: Sequence[str], weights: Weights, *, color: bool = False) -> list[str]:
    """Lines that show how much each target word looked at each source word.

    Source words are written downwards above their columns, so that long ones fit; each cell is shaded by its weight,
    or with `color` by a 256-colour grey behind it.

    Args:
        source, target: words.
        weights: (target words, source words), each row summing to 1.
        color: use ANSI colours.
    """
    margin = max((width(word) for word in target), default=0)
    lines = []
    for row in range(max((len(_cells(word)) for word in source), default=0)):
        header = "".join(_at_bottom(word, source, row) for word in source)
        lines.append((" " * (margin + 1) + header).rstrip())
    for word, row_weights in zip(target, weights, strict=True):
        cells = "".join(_cell(float(weight), color=color) for weight in row_weights)
        lines.append(f"{' ' * (margin - width(word))}{word} {cells}".rstrip())
    return lines


def width(text: str) -> int:
    """The columns a terminal gives to a text: two for wide characters, none for combining ones."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Cc", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _cells(word: str) -> list[str]:
    """The word's characters, each with the combining ones that belong to it."""
    cells: list[str] = []
    for character in word:
        if _character_width(character) == 0 and cells:
            cells[-1] += character
        elif _character_width(character):
            cells.append(character)
    return cells


def _at_bottom(word: str, words: Sequence[str], row: int) -> str:
    """The character of a word in this row of the header, where words stand on the last row."""
    height = max(len(_cells(other)) for other in words)
    cells = _cells(word)
    place = row - (height - len(cells))
    cell = cells[place] if place >= 0 else " "
    return cell + " " * (CELL - width(cell))


def _cell(weight: float, *, color: bool) -> str:
    if color:
        shade = 232 + round(weight * 23)
        return f"\x1b[48;5;{shade}m{' ' * CELL}\x1b[0m"
    return SHADES[min(len(SHADES) - 1, int(weight * len(SHADES)))] * CELL
