"""A guess at the language of a text, by its letters and by the most frequent words of languages."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from nmt.preflight.languages import base_code, frequent_words, script_of

_MOST_CHARACTERS = 2_000
_UNSEEN = 0.02  # share of frequent words that a text may lack and be in the language all the same
_UNKNOWN = 0.1  # the same of a language whose frequent words are not known
_JAPANESE = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}


class Detected(NamedTuple):
    """A language, and how probable it is that a text is in it, from 0 to 100."""

    language: str
    confidence: float


def detect(text: str, languages: Sequence[str]) -> list[Detected]:
    """Ranks languages, the most probable first.

    Languages that are known by their frequent words compete, too, so that a text in none of `languages` is not taken
    for one of them with confidence. A text without letters has a confidence of 0.
    """
    text = text[:_MOST_CHARACTERS].lower()
    words = ["".join(filter(str.isalpha, word)) for word in text.split()]
    scripts = Counter(map(_script, filter(str.isalpha, text)))
    known = frequent_words()
    rivals = {code: code for code in known} | {base_code(language): language for language in languages}
    weights = {
        language: _script_share(code, scripts) * _word_share(known.get(code), words)
        for code, language in rivals.items()
    }
    total = sum(weights.values())
    found = [Detected(one, round(100 * weights[one] / total, 1) if total else 0.0) for one in languages]
    return sorted(found, key=lambda one: -one.confidence)


def _script(letter: str) -> str:
    script = unicodedata.name(letter, "?").partition(" ")[0]
    return _JAPANESE.get(script, script)


def _script_share(code: str, scripts: Counter[str]) -> float:
    """Returns the share of letters that a language may have; where its script is not known, those of none that is."""
    if not scripts:
        return 0.0
    script = script_of(code)
    return scripts[script] / scripts.total() if script else 1.0


def _word_share(frequent: frozenset[str] | None, words: Sequence[str]) -> float:
    if frequent is None:
        return _UNKNOWN
    return _UNSEEN + sum(word in frequent for word in words) / max(1, len(words))
