"""Attention drawn as figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")

import nmt.visualization.fonts  # noqa: E402 (which needs matplotlib)
from nmt.alignment.attention_matrix import AttentionMatrix  # noqa: E402
from nmt.errors import StorageError  # noqa: E402
from nmt.visualization.attention_figure import draw, write_figures  # noqa: E402

HOSTILE = ["<script>alert(1)</script>", "&amp;", "]]>", "--", r"$\frac{", "$x^2$", "_a", "\x1b[31m", "\u202eabc", "%s"]
BEGINNINGS = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-1"}
KINDS = list(BEGINNINGS)


def picture(source: Sequence[str], target: Sequence[str]) -> AttentionMatrix:
    return AttentionMatrix(source, target, np.full((len(target), len(source)), 1 / len(source)))


@pytest.fixture
def make_font(tmp_path: Path) -> Callable[..., str]:
    """Makes a font with these characters, each a square, or with no shape at all."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    def make(characters: str, name: str = "Squares", *, empty: bool = False) -> str:
        pen = TTGlyphPen(None)
        if not empty:
            for place, point in enumerate([(0, 0), (0, 800), (800, 800), (800, 0)]):
                (pen.lineTo if place else pen.moveTo)(point)
            pen.closePath()
        glyph = pen.glyph()
        names = {ord(character): f"glyph{number}" for number, character in enumerate(characters)}
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder([".notdef", *names.values()])
        builder.setupCharacterMap(names)
        builder.setupGlyf(dict.fromkeys([".notdef", *names.values()], glyph))
        builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (1000, 0)))
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
        builder.setupOS2()
        builder.setupPost()
        path = tmp_path / f"{name}.ttf"
        builder.save(path)
        return str(path)

    return make


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes these files the only installed fonts."""

    def these(*paths: str) -> None:
        monkeypatch.setattr(nmt.visualization.fonts, "findSystemFonts", lambda: list(paths))

    return these


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_attention_gives_the_same_bytes_whatever_the_settings(kind: str) -> None:
    first = draw(picture(["a", "b"], ["c"]), kind, "x")
    assert first.startswith(BEGINNINGS[kind])
    assert not re.search(rb"CreationDate|<dc:date>|matplotlib\.org", first)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "text.usetex": True, "svg.hashsalt": None}):
        before = dict(matplotlib.rcParams)
        assert draw(picture(["a", "b"], ["c"]), kind, "x") == first
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_text_and_never_formulas_or_markup(kind: str) -> None:
    drawn = draw(picture(HOSTILE, HOSTILE), kind, "x")
    if kind == "svg":
        names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawn).iter()}
        assert "script" not in names


def test_letters_join_as_their_script_asks() -> None:
    """Joined, the letters of an Arabic word have other shapes than alone."""
    joined = draw(picture(["a"], ["بببب"]), "svg", "x")
    apart = draw(picture(["a"], ["ب\u200cب\u200cب\u200cب"]), "svg", "x")
    assert len(set(re.findall(rb'<path id="(DejaVuSans-[0-9a-f]+)"', joined))) > len(
        set(re.findall(rb'<path id="(DejaVuSans-[0-9a-f]+)"', apart))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_character_that_no_font_has_is_an_error_and_never_a_box(kind: str, install: Callable[..., None]) -> None:
    install()
    with pytest.raises(StorageError) as caught:
        draw(picture(["猫", "กข", "a"], ["안", "👩", "\u0378", "日本語中文"]), kind, "out.png")
    message = str(caught.value)
    assert message.startswith("out.png: cannot be drawn: no installed font has these characters: ")
    for words in (
        "Chinese characters (中 文 日 本 猫 and 1 more)",
        "Thai (ก ข)",
        "Hangul (안)",
        "symbols (👩)",
        "without a name (U+0378)",
        "fonts-noto-cjk",
        "fonts-noto-core",
        "fonts-symbola",
    ):
        assert words in message


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_is_drawn_in_all_the_fonts_it_needs(
    kind: str, make_font: Callable[..., str], install: Callable[..., None]
) -> None:
    install(make_font("日", "One"), make_font("語한", "Two"))
    drawn = draw(picture(["Python日語", "é한\ufe0f"], ["\u200db"]), kind, "x")
    assert draw(picture(["Python日語", "é한"], ["b"]), kind, "x") == drawn
    if kind == "pdf":
        assert not re.search(rb"\+(One|Two)", drawn)  # outlines
    if kind == "svg":
        assert {b"One", b"Two"} <= set(re.findall(rb'<path id="(\w+)-[0-9a-f]+"', drawn))


def test_the_font_that_has_most_is_chosen(make_font: Callable[..., str], install: Callable[..., None]) -> None:
    one, both = make_font("日", "One"), make_font("日語", "Two")
    install(one, both)
    assert nmt.visualization.fonts.fonts_for("日語a", "x")[1:] == [both]
    assert len(nmt.visualization.fonts.fonts_for("abcé жλ שב", "x")) == 1


def test_fonts_without_shapes_and_files_that_are_no_fonts_do_not_serve(
    make_font: Callable[..., str], install: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    install(make_font("日", empty=True), str(tmp_path / "broken.ttf"), str(tmp_path / "absent.ttf"))
    with pytest.raises(StorageError, match="日"):
        draw(picture(["日"], ["b"]), "png", "x")


def test_a_long_sentence_has_a_figure_of_a_sensible_size() -> None:
    words = ["word"] * 120
    root = ElementTree.fromstring(draw(picture(words, words[:3]), "svg", "x"))
    width, height = (float(root.attrib[side].removesuffix("pt")) / 72 for side in ("width", "height"))
    assert 10 < width < 17 and height < 3


def test_several_figures_are_files_with_numbers_or_pages(tmp_path: Path) -> None:
    pictures = [picture(["a"], ["b"]), picture(["c"], ["d"])]
    write_figures(pictures, tmp_path / "x.svg")
    for name, one in zip(["x.svg", "x-2.svg"], pictures, strict=True):
        assert (tmp_path / name).read_bytes() == draw(one, "svg", "x")
    write_figures(pictures, tmp_path / "y.PDF")
    assert len(re.findall(rb"/Type /Page\b", (tmp_path / "y.PDF").read_bytes())) == 2
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("name", ["x.png", "x.pdf"])
def test_a_figure_that_cannot_be_drawn_leaves_what_was_there(
    name: str, tmp_path: Path, install: Callable[..., None]
) -> None:
    install()
    (tmp_path / name).write_text("old")
    pictures = [picture(["a"], ["b"]), picture(["猫"], ["b"]), picture(["a"], ["ሰ"])]
    with pytest.raises(StorageError, match=rf"{name}: cannot be drawn: .*: Ethiopic \(ሰ\), Chinese characters \(猫\)"):
        write_figures(pictures, tmp_path / name)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
