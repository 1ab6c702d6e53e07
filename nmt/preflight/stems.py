"""Stems of words, to compare texts in any language without a model."""

from __future__ import annotations

import re

# Scripts that write no spaces between words, of which each character counts as a word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# Signs of vowels and accents that are characters of their own, but no letters to Python: above all those of India.
_MARKS = "\u0300-\u036f\u05b0-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0971-\u0dff"
_LETTER = rf"(?:[^\W\d_{UNSPACED}]|[{_MARKS}])"
# A syllable of Korean is a character of two or three letters.
_SYLLABLE = "[\uac00-\ud7a3]"
# After the sixth letter there is mostly inflection.
_WORD = re.compile(rf"([{UNSPACED}]|\d+|{_SYLLABLE}{{1,2}}|{_LETTER}{{1,6}}){_LETTER}*")


def stems(text: str) -> list[str]:
    """Returns the words of a text in lower case: numbers as they stand, of words the first six letters,
    or two syllables."""
    return _WORD.findall(text.lower())
