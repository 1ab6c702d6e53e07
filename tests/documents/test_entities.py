"""What is written as an entity comes back, whatever the model knows of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from made_up_translations import capitals, same
from nmt.documents.document import TranslatableDocument
from nmt.documents.html import HtmlDocument
from nmt.documents.languages import LanguagePair
from nmt.documents.subtitles import SubtitleDocument
from nmt.documents.tmx import TmxDocument
from nmt.documents.xliff import XliffDocument


def in_page(text: str) -> TranslatableDocument:
    return HtmlDocument(f"<p>{text}</p>", "page")


def in_attribute(text: str) -> TranslatableDocument:
    return HtmlDocument(f'<img alt="{text}">', "page")


def in_subtitles(text: str) -> TranslatableDocument:
    return SubtitleDocument(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n", "film", kind="vtt")


def in_xliff(text: str) -> TranslatableDocument:
    return XliffDocument(f'<xliff version="1.2"><trans-unit><source>{text}</source></trans-unit></xliff>', "x")


def in_memory(text: str) -> TranslatableDocument:
    return TmxDocument(f"<tmx><tu><tuv lang='en'><seg>{text}</seg></tuv></tu></tmx>", "x", LanguagePair("en", "de"))


@pytest.mark.parametrize("read", [in_page, in_attribute, in_subtitles, in_xliff, in_memory])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("the cat &#8212; it sleeps", "the cat it sleeps"),
        ("the cat&#8212;it sleeps", "the cat it sleeps"),
        ("the cat sleeps&#x2026;", "the cat sleeps"),
        ("&#169; the cat", "the cat"),
        ("the &#8206;cat", "the cat"),
        ("10&#160;km &#8594; here", "10 km here"),
        ("say &#8220;yes&#8221; now", "say yes now"),
        ("press &lt;Enter&gt; to go", "press to go"),
        ("Tom &amp; the cat", "Tom & the cat"),
    ],
)
def test_a_sign_that_is_written_as_an_entity_stays_so(
    read: Callable[[str], TranslatableDocument], text: str, line: str
) -> None:
    document = read(text)
    assert document.lines == [line]
    found = document.written(capitals([line]))
    assert line.upper().split()[-1] in found
    assert re.sub(r"\s", "", text).upper() in re.sub(r"\s", "", found).upper(), found


@pytest.mark.parametrize(
    ("entity", "letter"),
    [
        ("&eacute;", "é"),
        ("&#233;", "é"),
        ("&rsquo;", "\N{RIGHT SINGLE QUOTATION MARK}"),
        ("&quot;", '"'),
        ("&#33;", "!"),
    ],
)
def test_letters_and_what_belongs_to_words_are_text(entity: str, letter: str) -> None:
    assert in_page(f"the caf{entity}s").lines == [f"the caf{letter}s"]


@pytest.mark.parametrize("entity", ["&mdash;", "&rarr;", "&hellip;", "&copy;", "&raquo;", "&euro;", "&times;", "&shy;"])
def test_named_entities_are_never_lost(entity: str) -> None:
    page = in_page(f"one {entity} two{entity}three {entity}")
    assert entity not in page.lines[0]
    assert page.written(same(page.lines)) == f"<p>one {entity} two{entity}three {entity}</p>"
    assert page.written(capitals(page.lines)).count(entity) == 3
