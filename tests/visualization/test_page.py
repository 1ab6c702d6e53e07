"""A page is one file that loads nothing, and text in it stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.visualization.page.document import Asset, json_for_html, self_contained_page

HOSTILE = "</script><script>alert(1)</script><!-- &amp; \"'` \u2028\u2029\x85\ud800\uffff\0 🐈"


class Reader(HTMLParser):
    """What a page has: its tags, and the text in each of its last elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1][0] if self.tags else "", data))

    def of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag and text.strip()]


@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda kids: st.lists(kids) | st.dictionaries(st.text(), kids))
)
def test_data_comes_back_as_it_was(data: object) -> None:
    text = json_for_html(data)
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029\x85\r\n\0")
    text.encode()


def test_text_never_becomes_markup() -> None:
    plain, hostile = (self_contained_page(text, {"text": [text]}) for text in ("x", HOSTILE))
    assert [tag for tag, _ in Reader(hostile).tags] == [tag for tag, _ in Reader(plain).tags]
    data, _ = Reader(hostile).of("script")
    assert json.loads(data) == {"text": [HOSTILE]}
    hostile.encode()


def test_no_heading_is_read_in_another_order_than_it_was_written() -> None:
    page = Reader(self_contained_page("a\u202ecb\u2069 \u0627\u200f", None))
    assert page.of("h1") == page.of("title") == ["a[U+202E]cb[U+2069] \u0627\u200f"]


def test_the_policy_allows_what_the_page_holds_and_nothing_else() -> None:
    page = Reader(self_contained_page("x", None))
    [policy] = [tag["content"] for name, tag in page.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in (policy or "").split(";"))
    assert directives.pop("default-src") == directives.pop("base-uri") == directives.pop("form-action") == "'none'"

    def hash_of(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    _, script = page.of("script")
    [style] = page.of("style")
    assert directives == {"style-src": hash_of(style), "script-src": hash_of(script)}
    attributes = {name for _, tag in page.tags for name in tag}
    assert not attributes & {"src", "href", "style", "onclick"}
    assert not re.search(
        r"url\(|@import|https?://(?!www\.w3\.org/)|\bfetch\(|innerHTML|insertAdjacentHTML|\beval\(", style + script
    )


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        self_contained_page("x", [float("nan")])


def test_an_asset_that_would_end_its_element_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Asset, "text", lambda _: "const text = '</SCRIPT>';")
    with pytest.raises(ValueError, match=r"base\.css holds '</SCRIPT'"):
        self_contained_page("x", None)
