"""Attention as a figure for a paper: a heat map as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from nmt.alignment.words import Weights
from nmt.io.atomic_files import write_output
from nmt.visualization.figures import FONT, draw_file, draw_pages, drawable, properties_of_text
from nmt.visualization.fonts import fonts_for

WIDTH = 5.5  # inches of the grid, in which a sentence of usual length fits a page
LARGEST_CELL, LEAST_CELL = 0.3, 0.12  # inches
MOST_SLANTED = 30  # words that are written aslant; more stand upright, closer to each other
LONGEST_WORD = 40  # columns shown of a word

MOST_LINES = 1000
"""Lines at most that are drawn at once."""

Picture = tuple[Sequence[str], Sequence[str], Weights]
"""Source words, target words and (target words, source words) weights, each row summing to 1; one word at least."""


def write_figures(pictures: Sequence[Picture], path: Path) -> None:
    """Writes figures: as pages of one PDF, or as files of their own.

    The first of several files has the name that was given; of `x.png` the second is `x-2.png`, and so on. Where fonts
    are missing, they are told for all figures together, and none is written.

    Args:
        pictures: what to draw, one at least.
        path: a name that ends in .png, .svg or .pdf, in upper or lower case.

    Raises:
        StorageError: a file cannot be written, or no installed font has a character of the text.
    """
    fonts_for("".join(word for picture in pictures for words in _drawn_words(picture) for word in words), str(path))
    kind = path.suffix.lower()[1:]
    if kind == "pdf":
        write_output(path, draw_pages([partial(_figure, picture) for picture in pictures], str(path)))
        return
    for count, picture in enumerate(pictures, start=1):
        name = path if count == 1 else path.with_stem(f"{path.stem}-{count}")
        write_output(name, draw(picture, kind, str(name)))


def draw(picture: Picture, kind: str, where: str) -> bytes:
    """The content of a file with that attention.

    Args:
        picture: what to draw.
        kind: png, svg or pdf.
        where: the file that errors name.

    Raises:
        StorageError: no installed font has a character of the text.
    """
    return draw_file(partial(_figure, picture), kind, where)


def _drawn_words(picture: Picture) -> tuple[list[str], list[str]]:
    """The words of source and target as they are drawn."""
    source, target, _ = picture
    return [drawable(word, LONGEST_WORD) for word in source], [drawable(word, LONGEST_WORD) for word in target]


def _figure(picture: Picture, kind: str, where: str) -> Figure:
    source, target = _drawn_words(picture)
    cell = max(LEAST_CELL, min(LARGEST_CELL, WIDTH / max(len(source), len(target))))
    width, height = len(source) * cell, len(target) * cell
    # The figure is the grid; what stands around it widens the file by as much as it needs.
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    mesh = axes.pcolormesh(picture[2], cmap="Blues", vmin=0, vmax=1, edgecolors="0.85", linewidth=0.4)
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=3)
    words = properties_of_text("".join([*source, *target]), kind, min(FONT, cell * 72 * 0.75), where)
    slant: dict[str, Any]
    slant = {"rotation": 45, "va": "baseline"} if len(source) <= MOST_SLANTED else {"rotation": 90, "va": "center"}
    places = [place + 0.5 for place in range(len(source))]
    axes.set_xticks(places, source, ha="left", rotation_mode="anchor", **slant, **words)
    axes.set_yticks([place + 0.5 for place in range(len(target))], target, **words)
    tall = max(height, 4 * LARGEST_CELL) / height
    bar = figure.add_axes((1 + 0.15 / width, 1 - tall, 0.1 / width, tall))
    figure.colorbar(mesh, cax=bar, ticks=[0, 0.5, 1]).set_label("attention", size=FONT)
    bar.tick_params(labelsize=FONT - 1, length=2)
    for spine in (*axes.spines.values(), *bar.spines.values()):
        spine.set_linewidth(0.6)
    return figure
