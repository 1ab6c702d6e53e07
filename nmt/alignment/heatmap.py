"""Attention as text: a grid of shaded blocks, source words across and target words down."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from nmt.alignment.words import Weights

SHADES = " ░▒▓█"
CELL = 2  # columns of a cell
LEAST_CELLS = 8  # of a band, however narrow the terminal
LONGEST_WORD = 40  # characters shown of a word


def heatmap(
    source: Sequence[str], target: Sequence[str], weights: Weights, *, color: bool = False, columns: int | None = None
) -> list[str]:
    """Lines that show how much each target word looked at each source word.

    Source words are written downwards above their columns, so that long ones fit (the end of those of more than
    `LONGEST_WORD` characters is left out); each cell is shaded by its weight, or with `color` by a 256-colour grey
    behind it.

    Args:
        source, target: words.
        weights: (target words, source words), each row summing to 1.
        color: use ANSI colours.
        columns: how wide a line may be; where the source does not fit, it is drawn in bands, one below the other, with
            all of the target in each. None for any width.
    """
    source, target = [_shortened(word) for word in source], [_shortened(word) for word in target]
    margin = max((width(word) for word in target), default=0)
    labels = [" " * (margin - width(word)) + word for word in target]
    cells = len(source) if columns is None else max(LEAST_CELLS, (columns - margin - 1) // CELL)
    lines: list[str] = []
    for start in range(0, len(source), max(1, cells)):
        header = _header(source[start : start + cells])
        lines += [""] * bool(lines)
        lines += [(" " * (margin + 1) + line).rstrip() for line in header]
        for label, row in zip(labels, weights[:, start : start + cells].tolist(), strict=True):
            drawn = "".join(_cell(weight, color=color) for weight in row)
            lines.append(f"{label} {drawn}".rstrip())
    return lines


def _header(words: Sequence[str]) -> list[str]:
    """Words written downwards, each above its column, all ending on the last line."""
    characters = [_characters(word) for word in words]
    height = max(map(len, characters), default=0)
    columns = [[" "] * (height - len(word)) + word for word in characters]
    return ["".join(cell + " " * (CELL - width(cell)) for cell in line) for line in zip(*columns, strict=True)]


def width(text: str) -> int:
    """The columns a terminal gives to a text: two for wide characters, none for combining ones."""
    return sum(_character_width(character) for character in text)


def _shortened(word: str) -> str:
    return word if len(word) <= LONGEST_WORD else word[: LONGEST_WORD - 1] + "…"


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Cc", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _characters(word: str) -> list[str]:
    """The word's characters, each with the combining ones that belong to it."""
    characters: list[str] = []
    for character in word:
        if _character_width(character):
            characters.append(character)
        elif characters:
            characters[-1] += character
    return characters


def _cell(weight: float, *, color: bool) -> str:
    if color:
        shade = 232 + round(weight * 23)
        return f"\x1b[48;5;{shade}m{' ' * CELL}\x1b[0m"
    return SHADES[min(len(SHADES) - 1, int(weight * len(SHADES)))] * CELL
