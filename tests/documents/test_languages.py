"""A document that names other languages than those of the model is told of."""

from __future__ import annotations

import pytest

from nmt.documents.languages import LanguagePair
from nmt.documents.po import PoDocument
from nmt.documents.xliff import XliffDocument

LANGUAGES = LanguagePair("en", "de")
UNIT = "<trans-unit><source>a</source></trans-unit>"
SEGMENT = "<unit><segment><source>a</source></segment></unit>"


def warnings_of_xliff(text: str) -> list[str]:
    warnings: list[str] = []
    XliffDocument(text, "x", warnings.append, languages=LANGUAGES)
    return warnings


@pytest.mark.parametrize(
    ("source", "target", "remark"),
    [
        (
            "fr",
            "es",
            "names the source language 'fr' and the target language 'es'; the model translates from 'en' into 'de'",
        ),
        ("en-GB", "fr", "names the target language 'fr'; the model translates into 'de'"),
        ("de", "de", "names the source language 'de'; the model translates from 'en'"),
    ],
)
def test_xliff_of_other_languages_is_told_once(source: str, target: str, remark: str) -> None:
    file = f'<file source-language="{source}" target-language="{target}">{UNIT * 2}</file>'
    assert warnings_of_xliff(f'<xliff version="1.2">{file * 2}</xliff>') == [f"x: {remark}"]
    second = f'<xliff version="2.0" srcLang="{source}" trgLang="{target}">{SEGMENT * 2}</xliff>'
    assert warnings_of_xliff(second) == [f"x: {remark}"]


@pytest.mark.parametrize("named", ['source-language="en-US" target-language="de-AT"', 'source-language="eng"', ""])
def test_regions_and_codes_of_three_letters_fit(named: str) -> None:
    assert warnings_of_xliff(f'<xliff version="1.2"><file {named}>{UNIT}</file></xliff>') == []


@pytest.mark.parametrize(("header", "is_told"), [("de_AT", False), ("fr", True), ("", False), ("deu@latin", False)])
def test_a_catalogue_of_another_language_is_told(header: str, is_told: bool) -> None:
    warnings: list[str] = []
    text = f'msgid ""\nmsgstr "MIME-Version: 1.0\\n"\n"Language: {header}\\n"\n\nmsgid "a"\nmsgstr ""\n'
    PoDocument(text, "x", warnings.append, languages=LANGUAGES)
    assert warnings == (["x: names the target language 'fr'; the model translates into 'de'"] if is_told else [])
