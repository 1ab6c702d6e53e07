"""Scores by length as a figure."""

from __future__ import annotations

import pytest

matplotlib = pytest.importorskip("matplotlib")

from nmt.evaluation.comparison import Comparison, ComparisonMethod, compare  # noqa: E402 (which matplotlib may skip)
from nmt.evaluation.metrics import Text  # noqa: E402
from nmt.visualization.length_figure import draw_lengths, make_figure  # noqa: E402

HOSTILE = "$\\frac{a & <b> 'c' \x1b[2J_d"


def compared(
    texts: dict[str, list[str]], name: str = "a", *, test: str = "bootstrap", source: bool = True
) -> Comparison:
    return compare(
        Text(name, texts["a"]),
        Text("_b", texts["b"]),
        [Text("first", texts["first"])],
        texts["source"] if source else None,
        method=ComparisonMethod(("chrf", "bleu"), test=test, samples=20),
    )


@pytest.mark.parametrize("test", ["bootstrap", "none"])
def test_it_shows_the_scores_where_their_lengths_are(test: str, texts: dict[str, list[str]]) -> None:
    comparison = compared(texts, test=test)
    [axes] = make_figure(comparison, "svg", "x.svg").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("words of the source", "BLEU")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "_b"]
    assert len(comparison.lengths) > 3
    for place, line in enumerate(axes.get_lines()):
        scores = [(one.a, one.b)[place] for one in comparison.lengths]
        assert list(line.get_xdata()) == pytest.approx([one.mean for one in comparison.lengths])
        assert list(line.get_ydata()) == pytest.approx([score.score for score in scores])
        if test == "none":
            assert not axes.collections
            continue
        for score, whisker in zip(scores, axes.collections[place].get_segments(), strict=True):
            assert score.bootstrap is not None
            low, high = score.bootstrap.interval
            assert low < high
            assert list(whisker[:, 1]) == pytest.approx([max(0, low), min(100, high)])


def test_a_single_sentence_has_a_score_without_an_interval() -> None:
    source = ["w", *["w " * 9] * 3]
    lines = {
        "source": source,
        "first": ["a b c d e f"] * 4,
        "a": ["a b c d e"] * 4,
        "b": ["a b c d", *["a b c d e f"] * 3],
    }
    comparison = compared(lines)
    assert [one.sentences for one in comparison.lengths] == [1, 3]
    [axes] = make_figure(comparison, "svg", "x.svg").axes
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [2, 2]
    for whiskers in axes.collections:
        assert [list(whisker[:, 0]) for whisker in whiskers.get_segments()] == [[9, 9]]


def test_lengths_of_the_reference_are_called_so(texts: dict[str, list[str]]) -> None:
    [axes] = make_figure(compared(texts, source=False), "svg", "x.svg").axes
    assert axes.get_xlabel() == "words of the reference"


@pytest.mark.parametrize(("kind", "beginning"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_it_has_the_same_bytes_whatever_the_settings_and_the_names(
    kind: str, beginning: bytes, texts: dict[str, list[str]]
) -> None:
    comparison = compared(texts, HOSTILE)
    content = draw_lengths(comparison, kind, "x")
    assert content.startswith(beginning)
    with matplotlib.rc_context({"font.size": 30.0, "lines.linewidth": 9.0, "savefig.dpi": 10}):
        assert draw_lengths(comparison, kind, "x") == content
