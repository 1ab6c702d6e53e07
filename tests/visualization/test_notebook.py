"""Claims about what translations show of themselves in a notebook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import nmt
import nmt.translation.notebook
from contrast import BLACK, WHITE, Colour, contrast
from nmt.translation.result import Output, SegmentAttention, Translation
from nmt.visualization import notebook

WEIGHTS = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]], np.float32)


def make_translation(source: str, target: str) -> Translation:
    segment = SegmentAttention(WEIGHTS, (0, 1), (0, 1), range(2))
    return Translation(source, (Output(target, -1.0, -1.0, ("▁x", "▁y"), (segment,)),), ("▁a", "▁b"))


class Cells(HTMLParser):
    """The texts of a table's heads and the titles of its cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.heads: list[str] = []
        self.weights: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "td":
            self.weights.append(dict(attrs)["title"] or "")

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() and (self.get_starttag_text() or "").startswith("<th"):
            self.heads.append(data)


def test_a_heat_map_has_a_cell_for_each_pair_of_words() -> None:
    cells = Cells(notebook.heat_map(make_translation("a b", "x y")))
    assert cells.heads == ["a", "b", "x", "y"]
    assert cells.weights == ["0.900", "0.100", "0.200", "0.800"]


@pytest.mark.parametrize("background", [BLACK, WHITE])
def test_attention_stands_out_in_a_notebook_whatever_its_background(background: Colour) -> None:
    html = notebook.heat_map(make_translation("a b", "x y"))
    found = re.findall(r"background:rgba\((\d+),(\d+),(\d+),([0-9.]+)\)", html)
    assert [weight for *_, weight in found] == ["0.900", "0.100", "0.200", "0.800"]
    red, green, blue = map(int, found[0][:3])
    assert contrast((red, green, blue), background) >= 4.5


def test_text_never_becomes_markup_of_a_heat_map() -> None:
    html = notebook.heat_map(make_translation("<script>alert(1)</script> <b>", "<img src=x> </table>"))
    assert Cells(html).tags <= {"p", "b", "br", "table", "tr", "th", "td"} and "<script" not in html
    assert html.count("<b>") == 1  # around the source


def test_a_translation_without_attention_is_its_text() -> None:
    assert "<table" not in notebook.heat_map(Translation("a", (Output("x", 0.0, 0.0, ("x",), None),)))
    assert "<table" not in notebook.heat_map(Translation(" ", ()))


def test_the_python_interface_provides_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nmt.translation.notebook, "_displays", [])
    translation = make_translation("a b", "x y")
    assert translation._repr_html_() is None
    assert nmt.Translation is Translation
    assert translation._repr_html_() == notebook.heat_map(translation)


def test_a_traced_line_shows_its_heat_map_and_its_page(model: Path) -> None:
    line = nmt.Translator.load(model, device="cpu").attend("ba ce")
    assert line._repr_html_() == notebook.heat_map(line.translation)
    assert line.weights is line.segments[0].weights  # type: ignore[attr-defined]  # those of its only segment
    page = line.page()
    assert page.html.startswith("<!doctype html>") and "ba ce" in page.html
    frame = page._repr_html_()
    assert frame.startswith("<iframe") and "<!doctype" not in frame and "&lt;!doctype html&gt;" in frame


def test_a_line_without_segments_says_so(model: Path) -> None:
    line = nmt.Translator.load(model, device="cpu").attend(" ")
    with pytest.raises(AttributeError, match="the line has 0 segments"):
        _ = line.weights  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="has no attribute 'wieghts'"):
        _ = line.wieghts  # type: ignore[attr-defined]


def test_the_interface_sets_the_libraries_before_torch_is_loaded() -> None:
    program = (
        "import os, sys, nmt; assert 'torch' not in sys.modules; nmt.train; "
        "print(os.environ['LRU_CACHE_CAPACITY'], os.environ['ONEDNN_PRIMITIVE_CACHE_CAPACITY'])"
    )
    names = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["64", "128"]
