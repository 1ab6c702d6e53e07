"""Attention as a figure for a paper: a heat map as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from nmt.alignment.attention_matrix import AttentionMatrix
from nmt.io.atomic_files import write_output
from nmt.visualization.figures import FONT, draw_file, draw_pages, drawable, text_properties
from nmt.visualization.fonts import fonts_for

WIDTH = 5.5  # inches of the grid, in which a sentence of usual length fits a page
MAX_CELL, MIN_CELL = 0.3, 0.12  # inches
MAX_SLANTED = 30  # source words that are written aslant; more stand upright, closer to each other
MAX_WORD = 40  # columns shown of a word

MAX_LINES = 1000
"""Maximum number of lines drawn at once."""


def write_figures(matrices: Sequence[AttentionMatrix], path: Path) -> None:
    """Writes figures: as pages of one PDF, or as files of their own.

    The first of several files has the name that was given; of `x.png` the second is `x-2.png`, and so on. Missing
    fonts are reported for all figures together, and then none is written.

    Args:
        matrices: one at least, each with a source and a target word at least.
        path: a name that ends in .png, .svg or .pdf, in upper or lower case.

    Raises:
        StorageError: a file cannot be written, or no installed font has a character of the text.
    """
    fonts_for("".join(word for matrix in matrices for words in _drawn_words(matrix) for word in words), str(path))
    kind = path.suffix.lower()[1:]
    if kind == "pdf":
        write_output(path, draw_pages([partial(_figure, matrix) for matrix in matrices], str(path)))
        return
    for count, matrix in enumerate(matrices, start=1):
        name = path if count == 1 else path.with_stem(f"{path.stem}-{count}")
        write_output(name, draw(matrix, kind, str(name)))


def draw(matrix: AttentionMatrix, kind: str, where: str) -> bytes:
    """Draws the heat map of an attention matrix with a source and a target word at least; see `draw_file`."""
    return draw_file(partial(_figure, matrix), kind, where)


def _drawn_words(matrix: AttentionMatrix) -> tuple[list[str], list[str]]:
    """Returns the words of source and target as they are drawn."""
    return [drawable(word, MAX_WORD) for word in matrix.source], [drawable(word, MAX_WORD) for word in matrix.target]


def _figure(matrix: AttentionMatrix, kind: str, where: str) -> Figure:
    source, target = _drawn_words(matrix)
    cell = max(MIN_CELL, min(MAX_CELL, WIDTH / max(len(source), len(target))))
    width, height = len(source) * cell, len(target) * cell
    # The figure is the grid; what stands around it widens the file by as much as it needs.
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    mesh = axes.pcolormesh(matrix.weights, cmap="Blues", vmin=0, vmax=1, edgecolors="0.85", linewidth=0.4)
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=3)
    words = text_properties("".join([*source, *target]), kind, min(FONT, cell * 72 * 0.75), where)
    slant: dict[str, Any] = (
        {"rotation": 45, "va": "baseline"} if len(source) <= MAX_SLANTED else {"rotation": 90, "va": "center"}
    )
    axes.set_xticks(
        [place + 0.5 for place in range(len(source))], source, ha="left", rotation_mode="anchor", **slant, **words
    )
    axes.set_yticks([place + 0.5 for place in range(len(target))], target, **words)
    tall = max(height, 4 * MAX_CELL) / height
    bar = figure.add_axes((1 + 0.15 / width, 1 - tall, 0.1 / width, tall))
    figure.colorbar(mesh, cax=bar, ticks=[0, 0.5, 1]).set_label("attention", size=FONT)
    bar.tick_params(labelsize=FONT - 1, length=2)
    for spine in (*axes.spines.values(), *bar.spines.values()):
        spine.set_linewidth(0.6)
    return figure
