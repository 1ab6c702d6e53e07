"""A comparison as one self-contained web page with plots."""

from __future__ import annotations

from nmt.cli.formats.comparison import TESTS, as_data
from nmt.evaluation.comparison import Comparison
from nmt.evaluation.metrics import TITLES
from nmt.evaluation.significance import LEVEL
from nmt.visualization.page import Asset, self_contained_page

# Of attention weights: more than an eye can see.
_DIGITS = 3


def as_page(comparison: Comparison) -> str:
    """The page as HTML; its programs are `plots.js` and `report.js`."""
    data = as_data(comparison, _DIGITS) | {
        "titles": TITLES,
        "tests": TESTS,
        "level": LEVEL,
        "small": comparison.is_small,
    }
    package = "nmt.visualization.comparison_report"
    return self_contained_page(
        "Two translations side by side",
        data,
        styles=[Asset(package, "report.css")],
        scripts=[Asset(package, "plots.js"), Asset(package, "report.js")],
    )
