"""Stems of words, to compare texts in any language without a model."""

from __future__ import annotations

import re

from nmt.io.scripts import UNSPACED

# Signs of vowels and accents that are characters of their own, but no letters to Python: above all those of India.
_MARKS = "\u0300-\u036f\u05b0-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0971-\u0dff"
# Of a script without spaces, each character counts as a word.
_LETTER = rf"[^\W\d_{UNSPACED}]"
_SYLLABLE = "[\uac00-\ud7a3]"  # of Korean: a character of two or three letters
# After the sixth letter there is mostly inflection.
_WORD = re.compile(rf"([{UNSPACED}]|\d+|{_LETTER}{{1,6}}){_LETTER}*")
_SIGN = rf"(?:{_LETTER}|[{_MARKS}])"
_MARKED_WORD = re.compile(rf"([{UNSPACED}]|\d+|{_SYLLABLE}{{1,2}}|{_SIGN}{{1,6}}){_SIGN}*")
_MARKED = re.compile(rf"[{_MARKS}]|{_SYLLABLE}")  # text that takes the slower pattern


def stems(text: str) -> list[str]:
    """Returns the words of a text in lower case: numbers as they stand, of words the first six letters,
    or two syllables."""
    text = text.lower()
    return (_MARKED_WORD if not text.isascii() and _MARKED.search(text) else _WORD).findall(text)
