"""The page of `nmt serve`, in a browser, before a small server that stands in for it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from nmt.translation.translator import Translator
from nmt.visualization.translator_page.document import translator_page
from stand_in_service import Refusal, StandIn
from watched_page import Watched, needs_chromium, texts

HOSTILE = "<script>alert(1)</script> &amp; \"q\" 's' 🐈 قط 猫"
BEAM = 2
REFUSED = "Failed to load resource"  # what Chromium says of every answer that is none


def described(name: str, source: str, target: str, attention: str = "additive") -> dict[str, Any]:
    languages = {"source": source, "target": target, "source_name": source.upper(), "target_name": target.upper()}
    return {"name": name, "attention": attention, "beam_size": BEAM} | languages


@pytest.fixture(scope="module")
def before(model: Path) -> Iterator[StandIn]:
    translator = Translator.load(model, device="cpu")
    assert translator.config.search.beam_size == BEAM
    models = [described("tiny", "en", "fr"), described("other", "en", "fr"), described("back", "fr", "en")]
    with StandIn({one["name"]: translator for one in models}, models) as before:
        yield before


@pytest.fixture
def stand_in(before: StandIn) -> StandIn:
    before.forget()
    return before


def translate(page: Any, text: str) -> None:
    page.wait_for_selector("#text")
    page.fill("#text", text)
    page.wait_for_selector(".output:not(.stale) .piece")


def readable(text: str) -> str:
    """A text as a page shows it: a model of a few steps writes control characters, too."""
    return re.sub("[\0-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"[U+{ord(found[0]):04X}]", text)


def shades(page: Any, selector: str) -> list[float]:
    return [
        float(one or 0)
        for one in page.eval_on_selector_all(selector, "all => all.map(one => one.style.getPropertyValue('--weight'))")
    ]


def test_the_policy_lets_it_ask_its_own_server_and_nobody_else() -> None:
    page = translator_page()
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives.pop("connect-src") == "'self'" and directives.pop("img-src") == "data:"
    assert directives.pop("style-src").startswith("'sha256-") and directives.pop("script-src").startswith("'sha256-")
    assert set(directives) == {"default-src", "base-uri", "form-action"} and set(directives.values()) == {"'none'"}
    assert not re.search(r"innerHTML|insertAdjacentHTML|\beval\(|localStorage|document\.cookie", page)


def test_both_languages_say_the_same_things() -> None:
    text = files("nmt.visualization.translator_page").joinpath("interface_words.js").read_text(encoding="utf-8")
    english, korean = text.split("\n  ko: {\n")
    keys = re.compile(r"^ {4,6}(\w+):", re.MULTILINE)
    assert keys.findall(english) == keys.findall(korean) != []


@needs_chromium
def test_pointing_at_a_word_shows_where_it_looked(stand_in: StandIn, browser: Any) -> None:
    text = "ba 🐈 ce di\n\nfo gu"
    with Watched(browser, stand_in.address) as page:
        page.wait_for_selector("#text")
        page.type("#text", text, delay=5)
        page.wait_for_selector(".output:not(.stale) .piece")
        assert stand_in.asked["/v1/translate"][-1]["text"] == text
        assert len(stand_in.asked["/v1/translate"]) < len(text) / 2  # it waits for a pause
        answers = [stand_in.translators["tiny"].attend(line).translation.text for line in text.split("\n\n")]
        assert texts(page, ".translated") == [readable("\n\n".join(answers))]
        assert texts(page, ".mirror .piece") == text.split()
        assert page.inner_text(".mirror").rstrip("\u200b") == text
        page.hover(".translated [data-sentence='1'] .piece >> nth=0")
        data = stand_in.translators["tiny"].attend("fo gu")
        lit = shades(page, ".mirror .piece")
        assert lit[:4] == [0, 0, 0, 0] and sum(lit[4:]) == pytest.approx(1, abs=1e-3)
        most = text.split()[4:][lit[4:].index(max(lit))]
        assert page.inner_text(".note").startswith(
            f"{readable(data.translation.text.split()[0])} looked most at {most}:"
        )
        # The same from the source, by the cursor: in the first sentence, behind one letter.
        page.focus("#text")
        page.keyboard.press("Control+Home")
        page.keyboard.press("ArrowRight")
        assert shades(page, ".mirror .piece")[:2] == [1, 0]
        column = shades(page, ".translated [data-sentence='0'] .piece")
        page.hover(".translated [data-sentence='0'] .piece >> nth=0")
        assert shades(page, ".mirror .piece")[0] == pytest.approx(column[0], abs=1e-6)
        # By the keyboard alone, from word to word.
        page.focus(".translated .piece[tabindex='0']")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        assert page.inner_text(".of-source") == "fo gu"


@needs_chromium
def test_an_old_answer_takes_no_newer_ones_place(stand_in: StandIn, browser: Any) -> None:
    hold = threading.Event()
    stand_in.before = lambda body: hold.wait(20) if body["text"] == "ba" else None
    with Watched(browser, stand_in.address) as page:
        page.wait_for_selector("#text")
        with page.expect_request("**/v1/translate"):
            page.fill("#text", "ba")
        translate(page, "ce di fo gu")
        shown = page.inner_text(".translated")
        hold.set()
        page.wait_for_timeout(300)
        assert page.inner_text(".translated") == shown
        assert texts(page, ".mirror .piece") == ["ce", "di", "fo", "gu"]
        page.click("text=Clear")
        assert page.inner_text(".translated") == "" and page.is_hidden(".about")


@needs_chromium
def test_models_stand_side_by_side_and_languages_change_places(stand_in: StandIn, browser: Any) -> None:
    with Watched(browser, stand_in.address) as page:
        translate(page, "ba ce")
        page.check("input[value=other]")
        page.wait_for_selector(".output[data-model=other] .piece")
        assert page.eval_on_selector_all(".output", "all => all.map(one => one.dataset.model)") == ["tiny", "other"]
        first, second = (page.locator(f".output[data-model={name}]").bounding_box() for name in ("tiny", "other"))
        assert first["y"] == second["y"] and first["x"] < second["x"]
        [translation] = texts(page, ".output[data-model=tiny] .translated")
        page.click(".swap")
        page.wait_for_selector(".output[data-model=back] .piece")
        assert (page.input_value("#from"), page.input_value("#to")) == ("fr", "en")
        assert readable(page.input_value("#text")) == translation


@needs_chromium
def test_alternatives_and_the_walk_are_of_the_sentence(stand_in: StandIn, browser: Any) -> None:
    lines = [stand_in.translators["tiny"].attend(text) for text in ("di fo gu", "ha je", "ki", "lo mu ba", "fo", "je")]
    line = next(one for one in lines if len({readable(output.text) for output in one.translation.outputs}) > 1)
    text = line.translation.source
    with Watched(browser, stand_in.address) as page:
        translate(page, f"ba ce\n{text}")
        page.click(".translated [data-sentence='1'] .piece >> nth=0")
        outputs = list(dict.fromkeys(readable(output.text) for output in line.translation.outputs))
        assert texts(page, ".alternatives li > span") == outputs
        assert f"Confidence {round(100 * confidence_of(line))}%" in page.inner_text(".about")
        page.click(".how")
        page.wait_for_selector(".walk-dialog .row.worked")
        assert [body["text"] for body in stand_in.asked["/v1/attend"]] == [text]
        assert texts(page, ".chip") == list(line.target_tokens)
        page.keyboard.press("ArrowRight")
        assert page.get_attribute(".chip[aria-current]", "data-step") == "1"
        weights = [float(text) for text in texts(page, ".row[data-position] .weight .number")]
        assert weights == pytest.approx(line.weights[1].tolist(), abs=1e-4)
        page.keyboard.press("Escape")
        page.wait_for_selector(".walk-dialog", state="hidden")
        assert page.evaluate("document.activeElement.className") == "how"
        page.focus(".alternatives li:nth-child(2) button")
        page.keyboard.press("Enter")
        assert texts(page, ".translated")[0].split("\n")[1] == outputs[1]
        assert page.evaluate("document.activeElement.dataset.place") == "1"
        assert outputs[0] in page.inner_text(".about")  # whose confidence and attention are told
        page.focus(".translated [data-sentence='1'] .piece")
        assert "You chose this translation" in page.inner_text(".note")
        # What was chosen stays, as long as its sentence does.
        translate(page, f"ba ce\n{text}\nfo gu")
        assert texts(page, ".translated")[0].split("\n")[1] == outputs[1]
        translate(page, f"ba ce\n{text} ba")
        page.click("text=Clear")
        translate(page, text)
        assert texts(page, ".translated")[0] == outputs[0]


@needs_chromium
def test_the_sentence_below_is_that_of_the_cursor(stand_in: StandIn, browser: Any) -> None:
    with Watched(browser, stand_in.address) as page:
        translate(page, "ba ce\ndi fo\n12 !")
        page.focus("#text")
        page.keyboard.press("Control+Home")
        page.keyboard.press("ArrowDown")
        assert page.inner_text(".about .of-source") == "di fo"
        page.keyboard.press("ArrowDown")
        assert page.inner_text(".about .of-source") == "12 !"
        assert "stays as it is" in page.inner_text(".about") and page.locator(".about .how").count() == 0


def confidence_of(line: Any) -> float:
    from nmt.postprocessing.postprocess import Postprocessor

    return float(Postprocessor(confidence=True).apply(line.translation).outputs[0].annotations.confidence.probability)


@needs_chromium
@pytest.mark.parametrize(
    ("refusals", "told"),
    [
        ([Refusal(413, "9 characters: expected at most 5")], "too long for this server. Translate it in parts. (9 ch"),
        ([Refusal(400, "beyond me")], "cannot translate this. (beyond me)"),
        pytest.param([Refusal(500, "a fault")], "its log says what", marks=pytest.mark.slow),
        pytest.param([Refusal(503, "is stopping")] * 9, "The server is not ready", marks=pytest.mark.slow),
        ([Refusal(429, "too many requests", {"Retry-After": "1"})], "Trying again in 1 s"),
    ],
)
def test_what_the_server_refuses_is_told_kindly(
    refusals: list[Refusal], told: str, stand_in: StandIn, browser: Any
) -> None:
    stand_in.refusals["/v1/translate"] = list(refusals)
    with Watched(browser, stand_in.address, expected=REFUSED) as page:
        page.wait_for_selector("#text")
        page.fill("#text", "ba")
        page.wait_for_selector(".trouble")
        assert told in page.inner_text("[role=alert].trouble-text")
        stand_in.refusals.clear()
        if refusals[0].status in (400, 413):  # the same text would be refused again
            assert page.is_hidden("text=Try again")
            page.fill("#text", "ce")
        elif refusals[0].status != 429:  # which passes by itself
            page.click("text=Try again")
        page.wait_for_selector(".output:not(.stale) .piece")
        assert page.is_hidden(".trouble")


@needs_chromium
def test_a_server_that_is_gone_is_told(model: Path, browser: Any) -> None:
    stand_in = StandIn({"tiny": Translator.load(model, device="cpu")}, [described("tiny", "en", "fr")])
    with stand_in, Watched(browser, stand_in.address, expected=REFUSED) as page:
        translate(page, "ba")
        page.route("**/v1/translate", lambda route: route.abort("connectionrefused"))
        page.fill("#text", "ba ce")
        page.wait_for_selector(".trouble")
        assert "does not answer" in page.inner_text(".trouble")


@needs_chromium
def test_a_key_is_asked_for_where_one_is_needed(stand_in: StandIn, browser: Any) -> None:
    stand_in.key = "a key of sixteen"
    with Watched(browser, stand_in.address, expected=REFUSED) as page:
        page.wait_for_selector("#key")
        assert page.evaluate("document.activeElement.id") == "key"
        assert set(stand_in.asked) == {"/"}
        page.fill("#key", "another")
        page.keyboard.press("Enter")
        page.wait_for_selector(".access [role=alert]:not(:empty)")
        page.fill("#key", stand_in.key)
        page.keyboard.press("Enter")
        translate(page, "ba")
        assert page.is_hidden(".access")


@needs_chromium
def test_it_is_narrow_dark_korean_and_text_stays_text(stand_in: StandIn, browser: Any) -> None:
    options = {"viewport": {"width": 400, "height": 800}, "color_scheme": "dark", "locale": "ko-KR"}
    with Watched(browser, stand_in.address, **options) as page:
        translate(page, f"{HOSTILE}\n{'ha je ki lo mu ' * 20}")
        page.check("input[value=other]")
        page.wait_for_selector(".output[data-model=other] .piece")
        assert page.get_attribute("html", "lang") == "ko" and page.inner_text("h1") == "번역기"
        assert texts(page, "#to option") == ["프랑스어"]
        assert texts(page, ".mirror .piece")[: len(HOSTILE.split())] == HOSTILE.split()
        assert page.evaluate("document.scripts.length") == 2 and page.locator(".mirror script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        typed, mirrored = (page.locator(one).bounding_box() for one in ("#text", ".mirror"))
        assert typed == mirrored
        # The words that are coloured stand exactly behind those that were typed.
        names = ["font", "letterSpacing", "wordBreak", "whiteSpace", "padding", "overflowWrap"]
        form = f"one => {names}.map(name => getComputedStyle(one)[name])"
        assert page.eval_on_selector("#text", form) == page.eval_on_selector(".mirror", form)
