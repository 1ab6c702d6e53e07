"""The languages that a document names, beside those of the model."""

from __future__ import annotations

from typing import NamedTuple

from nmt.translation.sentences import sentencex_code


class LanguagePair(NamedTuple):
    """The languages to translate between; of a document, those that it names, and empty texts for others."""

    source: str
    target: str


def is_language(code: str, language: str) -> bool:
    """Returns whether two codes are of one language, whatever region or script they name."""
    return sentencex_code(code) == sentencex_code(language)


def remark_on(named: LanguagePair, languages: LanguagePair) -> str | None:
    """Returns what to warn of where a document names other languages than those of the model; None if they fit."""
    words = (("source language", "from"), ("target language", "into"))
    others = [
        (f"the {what} {code!r:.40}", f"{how} {language!r}")
        for (what, how), code, language in zip(words, named, languages, strict=True)
        if code and not is_language(code, language)
    ]
    if not others:
        return None
    return f"names {' and '.join(one for one, _ in others)}; the model translates {' '.join(two for _, two in others)}"
