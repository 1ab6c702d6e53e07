"""Attention as a figure for a paper: a heat map as PNG, SVG or PDF, by matplotlib.

The same attention gives the same bytes with the same matplotlib and fonts, whatever the settings of a user are.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal

from nmt.alignment.fonts import FontFiles, fonts_for
from nmt.alignment.terminal import label
from nmt.alignment.words import Weights
from nmt.errors import StorageError
from nmt.storage import write_output

WIDTH = 5.5  # inches of the grid, in which a sentence of usual length fits a page
LARGEST_CELL, LEAST_CELL = 0.3, 0.12  # inches
LARGEST_FONT = 9.0  # points
MOST_SLANTED = 30  # words that are written aslant; more stand upright, closer to each other
LONGEST_WORD = 40  # columns shown of a word
DOTS_PER_INCH = 300
MOST_DOTS = 20_000  # of a side

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_NO_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

Picture = tuple[Sequence[str], Sequence[str], Weights]
"""Source words, target words and (target words, source words) weights, each row summing to 1; one word at least."""


def write_figures(pictures: Iterable[Picture], path: Path) -> int:
    """Writes figures, and tells how many: as pages of one PDF, or as files of their own.

    The first of several files has the name that was given; of `x.png` the second is `x-2.png`, and so on.

    Args:
        pictures: what to draw; without any, nothing is written.
        path: a name that ends in .png, .svg or .pdf, in upper or lower case.

    Raises:
        StorageError: a file cannot be written, or no installed font has a character of the text.
    """
    kind, count = path.suffix.lower()[1:], 0
    if kind == "pdf":
        content, count = _pages(pictures, str(path))
        if count:
            write_output(path, content)
        return count
    for count, picture in enumerate(pictures, start=1):
        name = path if count == 1 else path.with_stem(f"{path.stem}-{count}")
        write_output(name, draw(picture, kind, str(name)))
    return count


def draw(picture: Picture, kind: str, where: str) -> bytes:
    """The content of a file with that attention.

    Args:
        picture: what to draw.
        kind: png, svg or pdf.
        where: the file that errors name.

    Raises:
        StorageError: no installed font has a character of the text.
    """
    file = io.BytesIO()
    with _own_settings(where):
        _save(picture, file, kind, where)
    return file.getvalue()


def _pages(pictures: Iterable[Picture], where: str) -> tuple[bytes, int]:
    """The content of a PDF with a page for each picture, and how many they are."""
    file = io.BytesIO()
    with _own_settings(where):
        pages: Any = PdfPages(file, metadata=_NO_METADATA["pdf"])
    for picture in pictures:
        with _own_settings(where):
            _save(picture, pages, "pdf", where)
    with _own_settings(where):
        count: int = pages.get_pagecount()
        pages.close()
    return file.getvalue(), count


@contextmanager
def _own_settings(where: str) -> Iterator[None]:
    """Draws as matplotlib does without a user's settings, which stay as they are; what it cannot draw is an error."""
    with matplotlib.rc_context(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        matplotlib.rcdefaults()
        # Identifiers in SVG files are random without a salt. Journals want TrueType, not Type 3, in PDF files.
        matplotlib.rcParams.update({"svg.hashsalt": "nmt", "pdf.fonttype": 42})
        yield
    if lost := [str(warning.message) for warning in told if re.search("missing from", str(warning.message))]:
        raise StorageError(where, f"cannot be drawn: {lost[0]}")


def _save(picture: Picture, file: Any, kind: str, where: str) -> None:
    figure = _figure(picture, kind, where)
    dots = min(DOTS_PER_INCH, MOST_DOTS / max(figure.get_size_inches()))
    metadata: dict[str, Any] = {} if isinstance(file, PdfPages) else {"metadata": _NO_METADATA[kind]}
    figure.savefig(file, format=kind, dpi=dots, bbox_inches="tight", pad_inches=0.05, **metadata)


def _figure(picture: Picture, kind: str, where: str) -> Figure:
    source, target = ([_label(word) for word in words] for words in picture[:2])
    fonts = fonts_for("".join([*source, *target]), where)
    cell = max(LEAST_CELL, min(LARGEST_CELL, WIDTH / max(len(source), len(target))))
    width, height = len(source) * cell, len(target) * cell
    # The figure is the grid; what stands around it widens the file by as much as it needs.
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    mesh = axes.pcolormesh(picture[2], cmap="Blues", vmin=0, vmax=1, edgecolors="0.85", linewidth=0.4)
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=3)
    # Text of others is no formula, whatever dollar signs stand in it.
    words: dict[str, Any] = {
        "fontproperties": FontFiles(fonts, min(LARGEST_FONT, cell * 72 * 0.75)),
        "parse_math": False,
    }
    if kind == "pdf" and len(fonts) > 1:
        # As outlines: what matplotlib embeds of some fonts, viewers show as boxes or not at all.
        words["path_effects"] = [Normal()]
    slant: dict[str, Any]
    slant = {"rotation": 45, "va": "baseline"} if len(source) <= MOST_SLANTED else {"rotation": 90, "va": "center"}
    places = [place + 0.5 for place in range(len(source))]
    axes.set_xticks(places, source, ha="left", rotation_mode="anchor", **slant, **words)
    axes.set_yticks([place + 0.5 for place in range(len(target))], target, **words)
    tall = max(height, 4 * LARGEST_CELL) / height
    bar = figure.add_axes((1 + 0.15 / width, 1 - tall, 0.1 / width, tall))
    figure.colorbar(mesh, cax=bar, ticks=[0, 0.5, 1]).set_label("attention", size=LARGEST_FONT)
    bar.tick_params(labelsize=LARGEST_FONT - 1, length=2)
    for spine in (*axes.spines.values(), *bar.spines.values()):
        spine.set_linewidth(0.6)
    return figure


def _label(word: str) -> str:
    """The word as it is drawn: pictures of control characters, and variants of a shape, are in few fonts."""
    return _VARIANTS.sub("", label(_CONTROL.sub("\ufffd", word), LONGEST_WORD))
