"""Pages: languages that they name, and what forms send."""

from __future__ import annotations

import pytest

from made_up_translations import capitals, same
from nmt.documents.html import HtmlDocument
from nmt.documents.languages import LanguagePair

LANGUAGES = LanguagePair("en", "de")


def written(text: str, warnings: list[str] | None = None) -> str:
    warn = (lambda _: None) if warnings is None else warnings.append
    page = HtmlDocument(text, "page", warn, languages=LANGUAGES)
    assert page.written([None] * len(page.lines)) == page.written(same(page.lines)) == text
    return page.written(capitals(page.lines))


@pytest.mark.parametrize("code", ["en", "'en-US'", '"EN"'])
def test_a_page_is_said_to_be_in_the_language_that_it_is_translated_into(code: str) -> None:
    text = f"<html class=x lang={code} xml:lang={code}><p>cat</p></html>"
    found = written(text)
    new = code.replace(code.strip("'\""), "de")
    assert found == f"<html class=x lang={new} xml:lang={new}><p>CAT</p></html>"


def test_a_page_in_another_language_is_told_and_keeps_its_code() -> None:
    warnings: list[str] = []
    assert written("<html lang=fr><p>cat</p></html>", warnings) == "<html lang=fr><p>CAT</p></html>"
    assert warnings == ["page: names the source language 'fr'; the model translates from 'en'"]


def test_elements_in_other_languages_stay() -> None:
    text = "<p>the <i lang=fr>chat</i> sleeps <b lang=en-GB>here</b></p><div lang='de'><p>Katze</p></div><p lang=''>cat"
    found = written(text)
    assert "<i lang=fr>chat</i>" in found and "<b lang=en-GB>HERE</b>" in found
    assert "<p>Katze</p>" in found and found.endswith("<p lang=''>CAT")


def test_what_a_form_sends_stays() -> None:
    text = "<select><option>red<option value=1>blue</option></select><input type=submit name=do value=Send>"
    found = written(text + "<input type=submit value=Send>")
    assert found == text.replace("blue", "BLUE") + '<input type=submit value="SEND">'
