"""Scores by the length of sentences as a figure for a paper, PNG, SVG or PDF: figure 2 of Bahdanau et al. (2015)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nmt.evaluation.comparison import Comparison
from nmt.evaluation.metrics import TITLES, Score
from nmt.visualization.figures import FONT, draw_file, drawable, text_properties

WIDTH, HEIGHT = 5.0, 3.0  # inches of the plot, without what stands around it
MAX_NAME = 60  # columns shown of a translation's name

# As in the report: A is round, B is square, so that colour is never the only difference.
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#1f5fbf", "marker": "o", "linestyle": "-"},
    {"color": "#b4480b", "marker": "s", "linestyle": "--"},
)


def draw_lengths(comparison: Comparison, kind: str, where: str) -> bytes:
    """Draws the scores by length of both translations, and their intervals; see `draw_file`."""
    return draw_file(partial(make_figure, comparison), kind, where)


def make_figure(comparison: Comparison, kind: str, where: str) -> Figure:
    """Makes the figure of `draw_lengths`, whose arguments it takes."""
    names = [drawable(name, MAX_NAME) for name in (comparison.a, comparison.b)]
    metric = comparison.method.metric_of_lengths
    largest = math.inf if metric == "ter" else 100.0
    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.add_axes((0, 0, 1, 1))
    lengths = [one.mean for one in comparison.lengths]
    both = [one.a for one in comparison.lengths], [one.b for one in comparison.lengths]
    for side, scores, style in zip("AB", both, _STYLES, strict=True):
        # The label stands for the name: matplotlib leaves out one that begins with an underscore.
        axes.plot(lengths, [score.score for score in scores], label=side, markersize=4, linewidth=1.2, **style)
        if intervals := [
            (length, *_interval(score, largest))
            for length, score in zip(lengths, scores, strict=True)
            if score.bootstrap
        ]:
            axes.vlines(*zip(*intervals, strict=True), color=style["color"], linewidth=0.8)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel(f"words of the {'source' if comparison.by_source else 'reference'}", size=FONT)
    axes.set_ylabel(TITLES[metric], size=FONT)
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=FONT - 1, length=2)
    properties = text_properties("".join(names), kind, FONT, where)
    # Above the plot: names may be long, and any part of the plot may be occupied.
    legend = axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set(text=name, **properties)
    for name, spine in axes.spines.items():
        spine.set(linewidth=0.6, visible=name in ("left", "bottom"))
    return figure


def _interval(score: Score, largest: float) -> tuple[float, float]:
    """Returns the interval of the bootstrap, within the range of the score."""
    assert score.bootstrap is not None
    low, high = score.bootstrap.interval
    return max(0.0, low), min(largest, high)
