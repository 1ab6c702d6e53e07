"""Figures as PNG, SVG and PDF files, drawn by matplotlib.

The same figure gives the same bytes with the same matplotlib and fonts, whatever the settings of a user are.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal

from nmt.errors import StorageError
from nmt.io.terminal import label
from nmt.visualization.fonts import FontFiles, fonts_for

FONT = 9.0  # points
DOTS_PER_INCH = 300
MAX_DOTS = 20_000  # of a side

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_NO_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

MakeFigure = Callable[[str, str], Figure]
"""(kind of file: png, svg or pdf; the file, which errors name) -> figure."""


def draw_file(make: MakeFigure, kind: str, where: str) -> bytes:
    """Draws a figure, and returns the content of its file.

    Raises:
        StorageError: no installed font has a character of the text.
    """
    file = io.BytesIO()
    with _default_settings(where):
        _save(make(kind, where), file, kind)
    return file.getvalue()


def draw_pages(makers: Iterable[MakeFigure], where: str) -> bytes:
    """Draws a PDF with a page for each figure, and returns its content; see `draw_file`."""
    file = io.BytesIO()
    with _default_settings(where):
        pages: Any = PdfPages(file, metadata=_NO_METADATA["pdf"])
    for make in makers:
        with _default_settings(where):
            _save(make("pdf", where), pages, "pdf")
    with _default_settings(where):
        pages.close()
    return file.getvalue()


def drawable(text: str, columns: int) -> str:
    """Returns a word or a name as it is drawn: with U+FFFD for control characters, and without variation selectors, of
    which few fonts have shapes."""
    return _VARIANTS.sub("", label(_CONTROL.sub("\ufffd", text), columns))


def text_properties(text: str, kind: str, size: float, where: str) -> dict[str, Any]:
    """Returns the properties of matplotlib to draw all of a text with, whatever its script is; its size is in points.

    Raises:
        StorageError: no installed font has a character of the text.
    """
    fonts = fonts_for(text, where)
    # Text of a user is no formula, whatever dollar signs stand in it.
    properties: dict[str, Any] = {"fontproperties": FontFiles(fonts, size), "parse_math": False}
    if kind == "pdf" and len(fonts) > 1:
        # As outlines: what matplotlib embeds of some fonts, viewers show as boxes or not at all.
        properties["path_effects"] = [Normal()]
    return properties


@contextmanager
def _default_settings(where: str) -> Iterator[None]:
    """Draws without a user's settings of matplotlib, which stay as they are; a character it cannot draw is an error."""
    with matplotlib.rc_context(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        matplotlib.rcdefaults()
        # Identifiers in SVG files are random without a salt. Journals want TrueType, not Type 3, in PDF files.
        matplotlib.rcParams.update({"svg.hashsalt": "nmt", "pdf.fonttype": 42})
        yield
    if missing := [str(warning.message) for warning in caught if re.search("missing from", str(warning.message))]:
        raise StorageError(where, f"cannot be drawn: {missing[0]}")


def _save(figure: Figure, file: Any, kind: str) -> None:
    dots = min(DOTS_PER_INCH, MAX_DOTS / max(figure.get_size_inches()))
    metadata: dict[str, Any] = {} if isinstance(file, PdfPages) else {"metadata": _NO_METADATA[kind]}
    figure.savefig(file, format=kind, dpi=dots, bbox_inches="tight", pad_inches=0.05, **metadata)
