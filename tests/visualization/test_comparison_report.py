"""The report, opened in a browser: it draws what the data say, asks nobody for anything, and text stays text."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from nmt.alignment.attention_matrix import AttentionMatrix
from nmt.evaluation.comparison import ComparisonMethod, compare
from nmt.evaluation.metrics import Text
from nmt.evaluation.plain_data import comparison_data
from nmt.visualization.comparison_report.document import comparison_report
from watched_page import needs_chromium

HOSTILE = "<script>document.title='gone'</script> <img src=x onerror=alert(1)> & \"quotes' </script> 🐈 "
HOSTILE += "\u202eabc \x1b[31m\x7f\x9b"
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def comparison(texts):
    """One with attention, whose first sentence is hostile."""
    lines = {name: list(some) for name, some in texts.items()}
    lines["source"][0] = lines["first"][0] = lines["b"][0] = HOSTILE
    lines["a"][0] = "?"
    found = compare(
        Text(f"A {HOSTILE}", lines["a"]),
        Text("B", lines["b"]),
        [Text("reference", lines["first"])],
        lines["source"],
        method=ComparisonMethod(samples=20, examples=2),
    )
    shown = []
    for one in found.examples:
        source, target = one.source.split(), [*one.b.split(), "\u202eabc\u2069" * 3]
        weights = np.full((len(target), len(source)), 1 / len(source))
        shown.append(replace(one, attention_b=AttentionMatrix(source, target, weights)))
    return replace(found, examples=shown)


@pytest.fixture
def opened(browser, comparison, tmp_path):
    """Opens the page, and fails where it complains or asks for anything but itself."""
    path = tmp_path / "report.html"
    path.write_text(comparison_report(comparison), encoding="utf-8")
    complaints, pages = [], []

    def open_at(width):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append("a dialog") or dialog.dismiss())
        page.on("request", lambda request: request.url == path.as_uri() or complaints.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("figure svg")
        pages.append(page)
        return page

    yield open_at
    for page in pages:
        page.close()
    assert complaints == []


def test_the_page_draws_what_the_data_say(opened, comparison):
    page, data = opened(1200), comparison_data(comparison, 8)
    lengths, frequencies = (page.locator("figure").nth(place) for place in (0, 1))
    assert lengths.locator("svg .mark").count() == 2 * len(data["lengths"]["bins"])
    assert lengths.locator("svg .whisker").count() == 2 * len(data["lengths"]["bins"])
    shown = [one for one in data["frequencies"]["bins"] if one["words"]]
    assert frequencies.locator("svg .bar").count() == 2 * len(shown)
    bleu = data["metrics"]["bleu"]
    assert f"{bleu['a']['score']:.2f}" in page.locator("tbody tr").first.inner_text()
    assert page.locator("article").count() == len(data["differences"])
    cells = sum(len(row) for one in data["differences"] for row in one["b"]["attention"]["weights"])
    assert page.locator(".look .cell").count() == cells > 0


def test_hostile_text_stays_text(opened):
    page = opened(1200)
    assert page.title() == "Two translations side by side"
    assert page.locator("img").count() == 0 and page.locator("script").count() == 2
    first = page.locator("article").first
    shown = re.sub("[\x1b\x7f\x9b\u202e]", lambda found: f"[U+{ord(found[0]):04X}]", HOSTILE)
    assert first.locator("dd").nth(0).text_content() == first.locator("dd").nth(1).text_content() == shown
    assert page.locator(".names bdi").first.text_content() == f"A {shown}"
    assert page.evaluate("""[...document.querySelectorAll(".look svg")].flatMap((svg) => {
        const { left } = svg.getBoundingClientRect();
        return [...svg.querySelectorAll("text")].map((text) => text.getBoundingClientRect().left - left);
    }).every((room) => room >= 0)""")


def test_a_narrow_screen_shows_all_of_it(opened):
    page = opened(400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    width = "document.querySelector('figure svg').getBoundingClientRect().width"
    assert 200 < page.evaluate(width) <= 400
    page.set_viewport_size({"width": 900, "height": 800})
    # Not `wait_for_function`, which the page's policy refuses as `eval` whenever it has to ask twice.
    for _ in range(50):
        if page.evaluate(width) > 500:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"the plot is still {page.evaluate(width)} wide")


def test_both_themes_and_the_keyboard_work(opened):
    page = opened(1200)
    color = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(color)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "theme"
    page.keyboard.press("Enter")
    assert page.evaluate(color) != before
    page.locator("figure summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("figure table").first.is_visible()
