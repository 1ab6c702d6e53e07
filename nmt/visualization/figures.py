"""How figures become PNG, SVG and PDF files by matplotlib.

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
MOST_DOTS = 20_000  # of a side

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_NO_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


Maker = Callable[[str, str], Figure]
"""Makes a figure for a kind of file, png, svg or pdf, and the name of the file, which errors tell."""


def draw_file(make: Maker, kind: str, where: str) -> bytes:
    """The content of a file with a figure.

    Args:
        make: makes the figure.
        kind: png, svg or pdf.
        where: the file that errors name.

    Raises:
        StorageError: no installed font has a character of the text.
    """
    file = io.BytesIO()
    with _own_settings(where):
        _save(make(kind, where), file, kind)
    return file.getvalue()


def draw_pages(makers: Iterable[Maker], where: str) -> bytes:
    """The content of a PDF with a page for each figure."""
    file = io.BytesIO()
    with _own_settings(where):
        pages: Any = PdfPages(file, metadata=_NO_METADATA["pdf"])
    for make in makers:
        with _own_settings(where):
            _save(make("pdf", where), pages, "pdf")
    with _own_settings(where):
        pages.close()
    return file.getvalue()


def drawable(text: str, columns: int) -> str:
    """A word or a name as it is drawn: pictures of control characters, and variants of a shape, are in few fonts."""
    return _VARIANTS.sub("", label(_CONTROL.sub("\ufffd", text), columns))


def properties_of_text(text: str, kind: str, size: float, where: str) -> dict[str, Any]:
    """What a text of others is drawn with, whatever its script is.

    Args:
        text: all that is to be drawn so.
        kind: png, svg or pdf.
        size: in points.
        where: the file that errors name.

    Raises:
        StorageError: no installed font has a character of the text.
    """
    fonts = fonts_for(text, where)
    # Text of others is no formula, whatever dollar signs stand in it.
    properties: dict[str, Any] = {"fontproperties": FontFiles(fonts, size), "parse_math": False}
    if kind == "pdf" and len(fonts) > 1:
        # As outlines: what matplotlib embeds of some fonts, viewers show as boxes or not at all.
        properties["path_effects"] = [Normal()]
    return properties


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


def _save(figure: Figure, file: Any, kind: str) -> None:
    dots = min(DOTS_PER_INCH, MOST_DOTS / max(figure.get_size_inches()))
    metadata: dict[str, Any] = {} if isinstance(file, PdfPages) else {"metadata": _NO_METADATA[kind]}
    figure.savefig(file, format=kind, dpi=dots, bbox_inches="tight", pad_inches=0.05, **metadata)
