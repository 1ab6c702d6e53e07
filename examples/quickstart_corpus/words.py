"""The words of a line: labels that link them across the languages, elision, contraction, and the alignment.

Realising a sentence labels each word with the parts of the sentence that it expresses, with the same labels in both
languages. Two words are aligned if they share a label, so that joining "le homme" to "l'homme" or "de le" to "du"
only has to join the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from examples.quickstart_corpus.french_inflection import begins_with_vowel_sound

ELIDED = frozenset({"le", "la", "de", "ne", "que", "je", "me", "te", "se"})
CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}


@dataclass(frozen=True)
class Word:
    """A word and its labels; `is_article` distinguishes the article "le" from the pronoun, which never contracts."""

    text: str
    labels: frozenset[str]
    is_article: bool = False


def word(text: str, *labels: str) -> Word:
    """Makes a word with labels."""
    return Word(text, frozenset(labels))


def phrase(text: str, *labels: str) -> list[Word]:
    """Makes the words of a text, each with all of the labels."""
    return [word(part, *labels) for part in text.split()]


def comma(words: Sequence[Word]) -> list[Word]:
    """Appends a comma to the last word."""
    return [*words[:-1], replace(words[-1], text=words[-1].text + ",")]


def join_french(words: Sequence[Word]) -> list[Word]:
    """Joins words by elision ("l'homme", "qu'il", "s'il") and contraction ("du", "aux")."""
    joined: list[Word] = []
    # From the end: in "de le homme", the article has to be elided before it could contract.
    for current in reversed(words):
        if joined and _elides(current.text, joined[-1].text):
            following = joined.pop()
            text = current.text[:-1] + "'" + following.text
            joined.append(Word(text, current.labels | following.labels))
        elif joined and joined[-1].is_article and (current.text, joined[-1].text) in CONTRACTED:
            article = joined.pop()
            joined.append(Word(CONTRACTED[current.text, article.text], current.labels | article.labels))
        else:
            joined.append(current)
    return joined[::-1]


def _elides(text: str, following: str) -> bool:
    if text == "si":
        return following in ("il", "ils")
    return text in ELIDED and begins_with_vowel_sound(following)


def capitalised(words: Sequence[Word]) -> list[Word]:
    """Capitalises the first letter of the first word."""
    first = words[0]
    return [replace(first, text=first.text[0].upper() + first.text[1:]), *words[1:]]


def align(source: Sequence[Word], target: Sequence[Word]) -> list[tuple[int, int]]:
    """Lists the pairs (source word, target word) that share a label, in order."""
    return [
        (i, j)
        for i, source_word in enumerate(source)
        for j, target_word in enumerate(target)
        if source_word.labels & target_word.labels
    ]
