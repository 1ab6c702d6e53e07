"""Catalogues: what encodings cannot hold, and segments that tools have made."""

from __future__ import annotations

from nmt.documents.languages import Languages
from nmt.documents.opening import Choices, read_parts
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
    choices = Choices((), False, Languages("en", "ru"))
    [part] = read_parts(Whole(text.encode("latin-1")), "po", choices, warnings.append)
    made = [Translation(line, (Output(new, 0.0, 0.0, (), None),)) for line, new in (("café", "кафе"), ("cat", "chât"))]
    found = part.encoded(part.document.written(made), "x").decode("latin-1")
    assert found == text.replace('msgid "cat"\nmsgstr ""', '#, fuzzy\nmsgid "cat"\nmsgstr "chât"')
    assert warnings == ["x:4: left as it was: the catalogue is in iso-8859-1, which has no 'к'"]
