"""Characters that are written as entities (`&mdash;`, `&#8212;`): text, or marks that stay as they are written."""

from __future__ import annotations

import html
import re
import unicodedata

from nmt.documents.marked_text import SIGN, SPACE, InlineMark, with_joined_texts

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});?")

_LETTERS = ("L", "M", "Nd")  # categories, of what words are written with
# Without them, the words that they stand in would be other words.
_OF_WORDS = frozenset("\N{RIGHT SINGLE QUOTATION MARK}\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
_QUOTES = {
    "\N{LEFT DOUBLE QUOTATION MARK}": ("open", "“”"),
    "\N{RIGHT DOUBLE QUOTATION MARK}": ("close", "“”"),
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": ("open", "«»"),
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": ("close", "«»"),
}


def entity_part(raw: str) -> str | InlineMark:
    """Returns the text that an entity stands for, or a mark for a sign that few models know and would leave out."""
    text = html.unescape(raw)
    if text.isspace():
        return InlineMark(raw, "alone", SPACE)
    if text in _QUOTES:
        return InlineMark(raw, *_QUOTES[text])
    if len(text) != 1 or text.isascii() or text in _OF_WORDS:
        return text
    category = unicodedata.category(text)
    if category.startswith(_LETTERS):
        return text
    # What has no width stands within words.
    return InlineMark(raw, "alone", "" if category == "Cf" else SIGN)


def text_parts(text: str) -> list[str | InlineMark]:
    """Returns a text of HTML or WebVTT without tags as one reads it, and the marks in it."""
    parts: list[str | InlineMark] = []
    place = 0
    for found in ENTITY.finditer(text):
        if html.unescape(found[0]) != found[0]:
            parts += [text[place : found.start()], entity_part(found[0])]
            place = found.end()
    return with_joined_texts([part for part in [*parts, text[place:]] if part])
