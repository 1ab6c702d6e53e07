"""Catalogues and XLIFF give what translators made and nobody doubts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from corpora import read_pairs, sides
from nmt.errors import DataError

HEADER = 'msgid ""\nmsgstr ""\n"Language: {}\\n"\n"Content-Type: text/plain; charset={}\\n"\n\n'
ENTRIES = """\
#: a.c:1
msgctxt "menu"
msgid "Open %s"
msgstr "Öffne %s"

#, fuzzy
msgid "doubtful"
msgstr "zweifelhaft"

msgid "not yet"
msgstr ""

msgid ""
"Two "
"\\"lines\\".\\n"
"More."
msgstr "Zwei \\"Zeilen\\".\\nMehr."

msgid "One file"
msgid_plural "%d files"
msgstr[0] "Eine Datei"
msgstr[1] "%d Dateien"

#~ msgid "old"
#~ msgstr "alt"
"""
PAIRS = [
    ("Open %s", "Öffne %s"),
    ('Two "lines". More.', 'Zwei "Zeilen". Mehr.'),
    ("One file", "Eine Datei"),
    ("%d files", "%d Dateien"),
]

Read = Callable[..., tuple[list[tuple[str, str, str]], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def from_text(name: str, text: str, **options: object) -> tuple[list[tuple[str, str, str]], list[str]]:
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        return read_pairs([tmp_path / name], tmp_path / "work", **options)

    return from_text


@pytest.mark.parametrize("language", ["de", "de_AT", "", "ger"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_entries_that_are_translated_and_not_fuzzy(read: Read, language: str, end: str) -> None:
    found, warnings = read("a.po", (HEADER.format(language, "UTF-8") + ENTRIES).replace("\n", end))
    assert sides(found) == PAIRS and not warnings


def test_a_catalogue_into_the_source_language_is_read_the_other_way_round(read: Read) -> None:
    swapped = [(other, one) for one, other in PAIRS]
    assert sides(read("a.po", HEADER.format("en", "UTF-8") + ENTRIES)[0]) == swapped
    assert sides(read("en.po", ENTRIES)[0]) == swapped


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEADER.format("fr", "UTF-8") + ENTRIES, ":1: is in fr, not in en and de"),
        (HEADER.format("de", "ISO-8859-1") + ENTRIES, ":1: is in ISO-8859-1; convert it to UTF-8"),
        (HEADER.format("de", "UTF-8") + 'msgid "a"\nmsgstr ""\n', "has no entry that is translated"),
        (HEADER.format("de", "UTF-8") + 'msgid "a"\nmsgstr "b\n', ":7: is a broken catalogue"),
        (HEADER.format("de", "UTF-8") + 'msgid "a"\n', ":6: is a broken catalogue: a msgid has no msgstr"),
        (
            HEADER.format("de", "UTF-8") + 'msgid "a"\nmsgstr ""\n' + f'"{"b" * 1000}"\n' * 5000,
            "an entry has more than",
        ),
    ],
)
def test_what_is_no_catalogue_of_the_languages_is_an_error(read: Read, text: str, what: str) -> None:
    with pytest.raises(DataError) as error:
        read("a.po", text)
    assert what in str(error.value)


XLIFF = """\
<?xml version="1.0"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
<file source-language="{}" target-language="{}" original="a"><body>
<trans-unit id="1"><source>The <g id="1">cat</g> <ph id="2">&lt;br></ph>sleeps</source>
  <target>Die <g id="1">Katze</g> schläft</target>
  <alt-trans><source>no</source><target>nein</target></alt-trans></trans-unit>
<trans-unit id="2"><source>a</source><target state="needs-review-translation">x</target></trans-unit>
<trans-unit id="3"><source>b</source><target state="new">y</target></trans-unit>
<trans-unit id="4"><source>c</source><target/></trans-unit>
<trans-unit id="5"><source>d</source></trans-unit>
<trans-unit id="6"><source>e</source><target state="final">é</target></trans-unit>
</body></file></xliff>
"""
XLIFF_2 = """\
<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="{}" trgLang="{}"><file id="f"><unit id="1">
<segment state="final"><source>The <pc id="1">cat</pc> sleeps</source>
 <target>Die <pc id="1">Katze</pc> schläft</target></segment>
<segment state="initial"><source>a</source><target>x</target></segment>
<segment><source>b</source></segment>
<segment state="translated"><source>e</source><target>é</target></segment>
</unit></file></xliff>
"""


@pytest.mark.parametrize("text", [XLIFF, XLIFF_2], ids=["1.2", "2.0"])
def test_units_that_need_no_review(read: Read, text: str) -> None:
    pairs = [("The cat sleeps", "Die Katze schläft"), ("e", "é")]
    assert sides(read("a.xlf", text.format("en-US", "de"))[0]) == pairs
    assert sides(read("a.xlf", text.format("de", "en"))[0]) == [(other, one) for one, other in pairs]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (XLIFF.format("en", "fr"), "has no unit in en and de that is translated and needs no review; it is in en-fr"),
        (XLIFF.format("en", "de").replace("</source>", "", 1), ":6: is broken XML"),
        (XLIFF.format("en", "de").replace("<xliff", '<!DOCTYPE x [<!ENTITY a "b">]><xliff'), "declares entities"),
        ("<xliff>" + "<a>" * 2000, "deep"),
    ],
)
def test_what_is_no_xliff_of_the_languages_is_an_error(read: Read, text: str, what: str) -> None:
    with pytest.raises(DataError) as error:
        read("a.xlf", text)
    assert what in str(error.value)
