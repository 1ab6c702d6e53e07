"""Catalogues: what encodings cannot hold, and segments that tools have made."""

from __future__ import annotations

import pytest

from made_up_translations import capitals
from nmt.documents.languages import LanguagePair
from nmt.documents.opening import Choices, read_parts
from nmt.documents.xliff import XliffDocument
from nmt.translation.result import Output, Translation


class Whole:
    """A stream that gives all of a document at once."""

    name = "x"

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    def is_ready(self) -> bool:
        return True


def test_a_translation_that_an_encoding_cannot_hold_is_left_and_told() -> None:
    text = 'msgid ""\nmsgstr "charset=ISO-8859-1"\n\nmsgid "café"\nmsgstr ""\n\nmsgid "cat"\nmsgstr ""\n'
    warnings: list[str] = []
    choices = Choices((), False, LanguagePair("en", "ru"))
    [part] = read_parts(Whole(text.encode("latin-1")), "po", choices, warnings.append)
    made = [Translation(line, (Output(new, 0.0, 0.0, (), None),)) for line, new in (("café", "кафе"), ("cat", "chât"))]
    found = part.encoded(part.document.written(made), "x").decode("latin-1")
    assert found == text.replace('msgid "cat"\nmsgstr ""', '#, fuzzy\nmsgid "cat"\nmsgstr "chât"')
    assert warnings == ["x:4: left as it was: the catalogue is in iso-8859-1, which has no 'к'"]


SEGMENTS = "<trans-unit><source>a b. c. 7</source><seg-source>{}</seg-source></trans-unit>"


def test_segments_of_a_source_are_those_of_its_target() -> None:
    inner = '<mrk mtype="seg" mid="1"><g id="1">a b.</g></mrk> <mrk mtype="seg" mid="2">c.</mrk> {}'
    inner = inner.format('<mrk mtype="seg" mid="3">7</mrk>')
    text = f'<xliff version="1.2">{SEGMENTS.format(inner)}</xliff>'
    document = XliffDocument(text, "x")
    assert document.lines == ["a b.", "c."]
    target = inner.replace(">a b.<", ">A B.<").replace(">c.<", ">C.<")
    added = f'</seg-source><target state="needs-review-translation">{target}</target>'
    assert document.written(capitals(document.lines)) == text.replace("</seg-source>", added)
    assert document.written([capitals(["a b."])[0], None]) == text


@pytest.mark.parametrize(
    "inner", ['a. <mrk mtype="seg" mid="1">b.</mrk>', '<g id="1"><mrk mtype="seg" mid="1">b.</mrk></g>']
)
def test_a_unit_of_segments_and_other_things_is_left_and_told(inner: str) -> None:
    warnings: list[str] = []
    text = f'<xliff version="1.2">{SEGMENTS.format(inner)}</xliff>'
    document = XliffDocument(text, "x", warnings.append)
    assert document.lines == [] and document.written([]) == text
    assert warnings == ["x:1: left as it was: its <seg-source> holds more than segments"]


def test_a_source_without_segments_is_translated_as_a_whole() -> None:
    text = f'<xliff version="1.2">{SEGMENTS.format("a b. c. 7")}</xliff>'
    assert XliffDocument(text, "x").lines == ["a b. c. 7"]
