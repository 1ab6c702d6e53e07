"""Stems of words, to compare texts in any language without a model."""

from __future__ import annotations

import re

# Scripts that write no spaces between words, of which each character counts as a word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_LETTER = rf"[^\W\d_{UNSPACED}]"
# After the sixth letter there is mostly inflection.
_WORD = re.compile(rf"([{UNSPACED}]|\d+|{_LETTER}{{1,6}}){_LETTER}*")


def stems(text: str) -> list[str]:
    """Returns the words of a text in lower case: numbers as they stand, of words the first six letters."""
    return _WORD.findall(text.lower())
