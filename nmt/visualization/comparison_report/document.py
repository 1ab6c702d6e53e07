"""The report of a comparison: one self-contained web page with plots."""

from __future__ import annotations

from nmt.evaluation.comparison import Comparison
from nmt.evaluation.metrics import TITLES
from nmt.evaluation.plain_data import comparison_data
from nmt.evaluation.significance import LEVEL, TEST_TITLES
from nmt.visualization.page.document import Asset, self_contained_page

WEIGHT_DIGITS = 3  # more than an eye can see


def comparison_report(comparison: Comparison) -> str:
    """Makes the page as HTML; its programs are `plots.js` and `report.js`."""
    data = comparison_data(comparison, WEIGHT_DIGITS) | {
        "titles": TITLES,
        "tests": TEST_TITLES,
        "level": LEVEL,
        "small": comparison.is_small,
    }
    package = "nmt.visualization.comparison_report"
    programs = [Asset(package, "plots.js"), Asset(package, "report.js")]
    return self_contained_page(
        "Two translations side by side", data, styles=[Asset(package, "report.css")], scripts=programs
    )
