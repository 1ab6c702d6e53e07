"""Translations as a notebook shows them: heat maps as tables of HTML, and the attention page inline."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from nmt.alignment.attention_matrix import AttentionMatrix, attention_matrices
from nmt.translation.result import Translation
from nmt.translation.trace import Trace
from nmt.visualization.attention_page.document import attention_page

PAGE_HEIGHT = 900
"""Height in pixels of the frame that shows a page."""

MAX_CELLS = 10_000
"""Maximum number of cells of a heat map; a notebook keeps its outputs."""

_TABLE = "border-collapse:collapse;font-size:90%"
_SOURCE = "writing-mode:vertical-rl;transform:rotate(180deg);padding:.3em;font-weight:normal;text-align:left"
_TARGET = "padding:.3em;font-weight:normal;text-align:right"
# A blue that stands out from white as much as from black: a notebook may be light or dark.
_CELL = "min-width:1.6em;height:1.6em;border:1px solid rgba(128,128,128,.3);background:rgba(34,124,186,{weight:.3f})"


@dataclass(frozen=True)
class InlinePage:
    """A page of its own, self-contained, that a notebook shows inside a frame."""

    html: str

    def _repr_html_(self) -> str:
        frame = f'width="100%" height="{PAGE_HEIGHT}" style="border:0"'
        return f'<iframe {frame} sandbox="allow-scripts" srcdoc="{escape(self.html)}"></iframe>'


def page(trace: Trace, unit: str) -> InlinePage:
    """Makes the attention page of a line; arguments and errors are those of `Trace.page`."""
    return InlinePage(attention_page([trace], unit, "the line"))


def heat_map(translation: Translation) -> str:
    """Draws a line, its best translation and, where it was kept, the attention between their words, as HTML."""
    lines = [f"<p><b>{escape(translation.source)}</b><br>{escape(translation.text)}</p>"]
    for output in translation.outputs[:1]:
        matrices = attention_matrices(translation, output, "word")
        lines += (_table(one) if one.weights.size <= MAX_CELLS else "<p>(a large heat map)</p>" for one in matrices)
    return "\n".join(lines)


def _table(matrix: AttentionMatrix) -> str:
    """Draws a column for each source word and a row for each word of the translation; the fuller, the more weight."""
    head = "".join(f'<th style="{_SOURCE}">{escape(word)}</th>' for word in matrix.source)
    rows = [f"<tr><th></th>{head}</tr>"]
    for word, row in zip(matrix.target, matrix.weights.tolist(), strict=True):
        cells = "".join(f'<td style="{_CELL.format(weight=weight)}" title="{weight:.3f}"></td>' for weight in row)
        rows.append(f'<tr><th style="{_TARGET}">{escape(word)}</th>{cells}</tr>')
    return f'<table style="{_TABLE}">{"".join(rows)}</table>'
