"""`nmt attend --output x.html`: the command, and the page as a browser shows it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt.translation.translator import Translator
from nmt.visualization.attention_page.document import attention_page
from watched_page import Watched, needs_chromium, texts

HOSTILE = "<script>alert(1)</script> &amp; \"q\" 's' 🐈 قط 猫 \u2028"
LINES = ["ba ce di", "", HOSTILE, "ha je ki lo mu ba ce di fo gu ha je ki lo mu", "<b>bold</b>"]


@pytest.fixture(scope="module")
def page_file(model: Path, call: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("page") / "attention.html"
    done = call("attend", model, "--output", path, *LINES)
    assert (done.code, done.out, done.err) == (0, b"", "")
    return path


@pytest.fixture(scope="module")
def answers(model: Path, call: Any) -> list[Any]:
    """What `nmt translate` says of the same lines."""
    text = "".join(f"{line}\n" for line in LINES).encode()
    done = call("translate", model, "--format", "json", "--alignment", "soft", stdin=text)
    return [json.loads(line) for line in done.lines]


def weights(page: Any, selector: str) -> list[float]:
    return [float(one) for one in page.eval_on_selector_all(selector, "all => all.map(one => one.dataset.weight)")]


def step(page: Any) -> int:
    return int(page.get_attribute(".chip[aria-current]", "data-step"))


@needs_chromium
def test_it_opens_with_the_unit_that_was_asked_for(model: Path, call: Any, browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "tokens.html"
    assert call("attend", model, "--alignment-unit", "token", "--output", path, LINES[0]).code == 0
    with Watched(browser, path.as_uri()) as page:
        assert texts(page, "[aria-pressed=true][data-unit]") == ["Tokens"]


@needs_chromium
@pytest.mark.parametrize("unit", ["words", "tokens"])
def test_ribbons_and_matrix_agree_with_the_json(unit: str, browser: Any, page_file: Path, answers: list[Any]) -> None:
    name = "attention" if unit == "words" else "attention_tokens"
    with Watched(browser, page_file.as_uri()) as page:
        page.click(f"[data-unit={unit}]")
        for number, answer in enumerate(answers):
            page.select_option("#sentence", str(number))
            if not LINES[number].strip():
                assert page.is_hidden(".sentences") and page.is_hidden(".walk")
                continue
            expected = answer[name]
            rows = len(expected["weights"])
            assert texts(page, ".source .word") == expected[f"source_{unit}"]
            assert texts(page, ".target .word")[:rows] == expected[f"target_{unit}"]
            flat = [weight for row in expected["weights"] for weight in row]
            assert weights(page, ".matrix tbody td")[: len(flat)] == pytest.approx(flat, abs=1e-5)
            found = page.eval_on_selector_all(
                ".ribbons > path", "all => all.map(one => [one.dataset.to, one.dataset.from, one.dataset.weight])"
            )
            for to, start, weight in found:
                if int(to) < rows:
                    assert float(weight) == pytest.approx(expected["weights"][int(to)][int(start)], abs=1e-5)
            drawn = {(int(to), int(start)) for to, start, _ in found}
            for to, row in enumerate(expected["weights"]):
                for start, weight in enumerate(row):
                    assert ((to, start) in drawn) == (weight >= 0.01) or weight == pytest.approx(0.01, abs=1e-5)


@needs_chromium
def test_the_walk_moves_by_keyboard(browser: Any, page_file: Path, answers: list[Any]) -> None:
    last = len(answers[0]["attention_tokens"]["target_tokens"])
    rows = answers[0]["attention_tokens"]["weights"]
    with Watched(browser, page_file.as_uri()) as page:
        assert step(page) == 0
        for key, expected in (
            *(("ArrowLeft", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", last)),
            *(("ArrowRight", last), ("Home", 0), ("ArrowRight", 1)),
        ):
            page.keyboard.press(key)
            assert step(page) == min(expected, len(texts(page, ".chip")) - 1)
        shown = [float(text) for text in texts(page, ".row[data-position] .weight .number")]
        assert shown == pytest.approx(rows[1], abs=1e-4)
        # What is worked out is right: exp of the score, divided by the sum of all of them.
        scores = [float(text.replace("−", "-")) for text in texts(page, ".row[data-position] .score .number")]
        total = sum(map(math.exp, scores))
        exponentials = [
            float(text.replace(",", "")) for text in texts(page, ".row[data-position] .exponential .number")
        ]
        assert exponentials == pytest.approx(list(map(math.exp, scores)), rel=1e-3)
        assert float(page.inner_text(".worked-out strong")) == max(shown)
        assert [math.exp(score) / total for score in scores] == pytest.approx(shown, abs=1e-3)
        page.focus(".target .word:last-child")
        page.keyboard.press("Enter")
        assert page.get_attribute(".target .word:last-child", "aria-current") == "step" and step(page) > 0
        # Where the translation is written from right to left, the next token stands on the left.
        page.keyboard.press("Home")
        page.evaluate("document.querySelector('.chips').dir = 'rtl'")
        page.keyboard.press("ArrowLeft")
        assert step(page) == 1
        # In the list of sentences the arrows are the list's own.
        page.focus("#sentence")
        page.keyboard.press("ArrowDown")
        assert page.is_hidden(".walk")


@needs_chromium
def test_pointing_at_a_word_shows_its_ribbons(browser: Any, page_file: Path) -> None:
    with Watched(browser, page_file.as_uri()) as page:
        page.hover(".source .word:nth-child(2)")
        strong = page.eval_on_selector_all(".ribbons .strong", "all => all.map(one => one.dataset.from)")
        assert strong and set(strong) == {"1"}
        page.hover(".row[data-position='2']")
        assert page.get_attribute(".row.worked", "data-position") == "2"


@needs_chromium
def test_the_least_relevant_token_has_the_shortest_bar(browser: Any, page_file: Path) -> None:
    with Watched(browser, page_file.as_uri()) as page:
        page.keyboard.press("End")
        scores = [float(text.replace("−", "-")) for text in texts(page, ".row[data-position] .score .number")]
        widths = page.eval_on_selector_all(".score-bar", "all => all.map(one => one.getBoundingClientRect().width)")
        assert sorted(range(len(scores)), key=scores.__getitem__) == sorted(range(len(widths)), key=widths.__getitem__)
        assert min(widths) == 0 < max(widths)


@needs_chromium
def test_the_query_is_shown_and_named_in_the_formula(browser: Any, page_file: Path) -> None:
    pixels = "one => one.toDataURL()"
    with Watched(browser, page_file.as_uri()) as page:
        assert "query sₜ₋₁" in page.inner_text(".row.query") and "sₜ₋₁" in page.inner_text(".formula")
        first = page.eval_on_selector(".row.query canvas", pixels)
        page.keyboard.press("ArrowRight")
        assert page.eval_on_selector(".row.query canvas", pixels) != first
        assert "as the step before has left it" in page.inner_text(".story")


@needs_chromium
def test_it_says_how_the_weights_of_a_word_come_from_those_of_its_tokens(
    model: Path, browser: Any, tmp_path: Path
) -> None:
    line = Translator.load(model, device="cpu").attend(LINES[3])
    [segment] = line.segments
    generator = np.random.default_rng(1)
    weights = generator.dirichlet(np.full(len(segment.source_tokens), 0.5), len(segment.choices)).astype(np.float32)
    made_up = replace(segment, weights=weights, scores=np.log(weights.clip(1e-9)))
    path = tmp_path / "page.html"
    path.write_text(attention_page([replace(line, segments=(made_up,))], "word", "line"), encoding="utf-8")
    several = 0
    with Watched(browser, path.as_uri()) as page:
        for place, word in enumerate(texts(page, ".target .word")):
            page.click(f".target .word >> nth={place}")
            steps = [step for step, of in enumerate(segment.target_words) if of == place]
            share = round(100 * float(weights[steps, -1].mean()))
            note, story = page.inner_text(".sentences-panel .note"), page.inner_text(".story")
            assert (f"without the {share}% that the end mark got" in note) == (share > 0)
            assert (f"Those of the word “{word}” above" in story) == (len(steps) > 1 or share > 0)
            if len(steps) > 1:
                several += 1
                assert f"an average over the {len(steps)} tokens of the word, steps {steps[0] + 1} " in note
        page.click("[data-unit=tokens]")
        assert "▁ stands for the space before a word" in page.inner_text(".marks >> nth=0")
        assert "the end mark got" not in page.inner_text(".sentences-panel .note")
    assert several


@needs_chromium
def test_the_address_names_sentence_and_step(browser: Any, page_file: Path) -> None:
    with Watched(browser, page_file.as_uri() + "#s=4&t=3") as page:
        assert (page.input_value("#sentence"), step(page)) == ("3", 2)
        assert page.title().startswith("tiny: ") and page.inner_text(".subtitle").startswith("Model tiny: xx → yy")
        page.keyboard.press("ArrowRight")
        assert page.url.endswith("#s=4&t=4")
        page.select_option("#sentence", "0")
        assert page.url.endswith("#s=1&t=1")
        page.evaluate("location.hash = '#s=3&t=2'")
        page.wait_for_function("document.querySelector('#sentence').value === '2'")
        assert step(page) == 1
        page.evaluate("location.hash = '#s=99&t=-x'")
        page.wait_for_function("document.querySelector('#sentence').value === '4'")
        assert step(page) == 0


@needs_chromium
def test_it_speaks_korean_to_a_browser_that_does(browser: Any, page_file: Path) -> None:
    korean = re.compile("[가-힣]")
    with Watched(browser, page_file.as_uri(), locale="ko-KR") as page:
        page.evaluate("document.querySelector('details').open = true")
        assert page.get_attribute("html", "lang") == "ko"
        found = texts(
            page, "h1, h2, summary, .theme, .soft, .story, figcaption, .count, .worked-out li, .choice button"
        )
        untold = [text for text in found if text and not korean.search(text) and re.search("[A-Za-z]{4}", text)]
        assert found and untold == []


def test_both_languages_say_the_same_things() -> None:
    package = files("nmt.visualization.attention_page")
    keys = re.compile(r"^  (\w+): (\([^)]*\))?", re.MULTILINE)
    english, korean = (
        keys.findall(package.joinpath(f"told_in_{name}.js").read_text(encoding="utf-8"))
        for name in ("english", "korean")
    )
    assert [name for name, _ in english] == [name for name, _ in korean] != []


@needs_chromium
def test_both_themes(browser: Any, page_file: Path) -> None:
    def paper(page: Any) -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    seen = {}
    for theme in ("light", "dark"):
        with Watched(browser, page_file.as_uri(), color_scheme=theme) as page:
            seen[theme] = paper(page)
            page.click("#theme")
            seen[f"other than {theme}"] = paper(page)
    assert seen["light"] == seen["other than dark"] != seen["dark"] == seen["other than light"]


@needs_chromium
def test_a_narrow_screen_needs_no_scrolling_sideways(browser: Any, page_file: Path) -> None:
    with Watched(browser, page_file.as_uri(), viewport={"width": 400, "height": 800}) as page:
        for number in (1, 2, 3):
            page.select_option("#sentence", str(number))
            for unit in ("words", "tokens"):
                page.click(f"[data-unit={unit}]")
                assert page.evaluate("document.documentElement.scrollWidth") <= 400
                outside = "all => all.filter(one => one.getBoundingClientRect().right > innerWidth).length"
                assert page.eval_on_selector_all(".word, .panel, .row", outside) == 0
        # The matrix of a long sentence scrolls, and says so, while the steps stay in reach.
        page.select_option("#sentence", "3")
        page.click("[data-unit=tokens]")
        frame = page.locator(".scroll-frame:has(.matrix)")
        left, right = frame.locator(".edge.left"), frame.locator(".edge.right")
        right.wait_for()
        assert frame.locator(".hint").is_visible() and left.is_hidden()
        page.eval_on_selector(".matrix", "one => { one.closest('.scroll').scrollLeft = 1e6; }")
        left.wait_for()
        assert right.is_hidden()
        page.evaluate("scrollTo(0, 1e6)")
        assert 0 <= page.locator(".stepper").bounding_box()["y"] < 10


@needs_chromium
def test_text_stays_text(browser: Any, page_file: Path) -> None:
    with Watched(browser, page_file.as_uri()) as page:
        before = page.evaluate("document.scripts.length")
        page.select_option("#sentence", "2")
        assert texts(page, ".source .word") == HOSTILE.split()
        page.select_option("#sentence", "4")
        assert texts(page, ".source .word") == ["<b>bold</b>"]
        assert page.evaluate("document.scripts.length") == before == 2
        assert page.locator("b").count() == 0


@needs_chromium
def test_without_attention_the_page_says_what_the_decoder_had(
    browser: Any, configuration: Path, call: Any, tmp_path: Path
) -> None:
    settings = ["--set", "model.attention=none", "--set", "training.max_steps=2"]
    assert call("train", configuration, "--output", tmp_path / "run", *settings).code == 0
    assert call("attend", tmp_path / "run", "ba ce", "--output", tmp_path / "page.html").code == 0
    with Watched(browser, (tmp_path / "page.html").as_uri()) as page:
        assert "There is nothing to show of attention" in page.inner_text("main")
        assert page.locator(".total .strip").count() == 1
        # The drawing hands over the last state of each direction, the one at the end and the one at the beginning.
        drawn = "all => all.map(one => one.querySelectorAll('.state:not(.lost)').length)"
        assert page.eval_on_selector_all(".drawings svg", drawn) == [2, 10]
        assert page.locator(".ribbons > path, .matrix, .score, .weight").count() == 0
        page.keyboard.press("ArrowRight")
        assert step(page) == 1 and page.locator(".bars li").count() >= 5


def test_a_page_takes_the_place_of_the_file_at_once(model: Path, call: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.HTML"
    path.write_text("old")
    assert call("attend", model, "--output", path, stdin=b"ba\n\nce\n").code == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["page.txt", "page", ".html", "html"])
def test_another_suffix_is_wrong_usage(name: str, call: Any, tmp_path: Path) -> None:
    done = call("attend", tmp_path / "absent", "--output", tmp_path / name, "ba")
    assert (done.code, done.out) == (2, b"") and ".html" in done.errors[0]
    assert list(tmp_path.iterdir()) == []


def test_a_page_does_not_take_the_place_of_its_input(model: Path, start: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("ba\n")
    with path.open() as stdin, start("attend", model, "--output", path, stdin=stdin) as running:
        _, err = running.communicate(timeout=60)
    assert running.returncode == 2 and b"is what standard input names, too" in err
    assert path.read_text() == "ba\n"


def test_a_page_that_cannot_be_written_is_5(model: Path, call: Any, tmp_path: Path) -> None:
    done = call("attend", model, "--output", tmp_path / "absent" / "page.html", "ba")
    assert (done.code, done.errors) == (
        5,
        [f"nmt: error: {tmp_path}/absent/page.html: cannot be written: No such file or directory"],
    )


@pytest.mark.parametrize(
    ("stdin", "code", "what"),
    [
        (b"", 65, "standard input: has no line: nothing to show"),
        (b"ba\n" * 201, 65, "standard input: has more lines than a page shows, which is 200 at most"),
    ],
)
def test_a_page_of_nothing_or_too_much_is_refused(
    stdin: bytes, code: int, what: str, model: Path, call: Any, tmp_path: Path
) -> None:
    done = call("attend", model, "--output", tmp_path / "page.html", stdin=stdin)
    assert (done.code, done.errors) == (code, [f"nmt: error: {what}"])
    assert list(tmp_path.iterdir()) == []


def test_a_line_too_long_is_left_out_and_told(model: Path, call: Any, tmp_path: Path) -> None:
    done = call("attend", model, "--output", tmp_path / "page.html", stdin=b"ba\n" + b"x" * (2 << 20) + b"\n")
    assert (done.code, done.errors) == (65, ["nmt: error: standard input: 1 line was too long, and left out"])
    assert (tmp_path / "page.html").exists()
