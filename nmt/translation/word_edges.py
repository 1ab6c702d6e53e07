"""Where words begin and end, in text of any script.

White space and dashes part words, and so does the border of a script that writes no spaces, of which every character
may begin a word. Punctuation and other signs at the edges of what stands between are none of the word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from nmt.io.scripts import UNSPACED
from nmt.tokenization.special_tokens import UNKNOWN

SENTENCE_ENDS = ".!?:…‼⁈⁉。．！？：｡؟۔।॥։՜՞።፧፨၊။។៕᠃᠉"
"""Characters that end a sentence, or a part of one behind which another may begin."""

_HYPHENS = "-\u2010\u2011"
_DASHES = "\u2012-\u2015\u2e3a\u2e3b…"
# Also the punctuation of scripts without spaces, as there is none around it either.
_GLUED = UNSPACED + "\u3001-\u3004\u3008-\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_IS_GLUED = re.compile(f"[{_GLUED}]")
WORD = re.compile(rf"[{_GLUED}]+|[{_DASHES}]+|[^\s{_GLUED}{_DASHES}]+")
"""A word with the signs at its edges, a row of dashes, or a row of characters without spaces between words."""

# Categories of Unicode: punctuation, invisible signs of formatting, and signs that are not of mathematics: C++ is a
# word, and so is C#.
_SIGN_CATEGORIES = frozenset(["Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Cf", "Sk", "So", "Sc"])
_MORE_SIGNS = "<>|~\ufe0e\ufe0f"  # the last two choose how the emoji before them looks
_NEVER_BEHIND = f"#{_HYPHENS}"  # a hyphen there stands for the rest of a word


@lru_cache(1 << 12)
def may_stand_before(character: str) -> bool:
    """Returns whether a sign directly before a word is no part of it."""
    if character == UNKNOWN:  # stands for letters that a model does not know
        return False
    return character in _MORE_SIGNS or unicodedata.category(character) in _SIGN_CATEGORIES


@lru_cache(1 << 12)
def may_stand_behind(character: str) -> bool:
    """Returns whether a sign directly behind a word is no part of it."""
    return may_stand_before(character) and character not in _NEVER_BEHIND


@lru_cache(1 << 12)
def is_glued(character: str) -> bool:
    """Returns whether a character is of a script without spaces, or of its punctuation."""
    return _IS_GLUED.match(character) is not None


def bare(word: str) -> str:
    """Returns a word without the signs at its edges; the word itself if it is nothing else."""
    start, stop = 0, len(word)
    while start < stop and may_stand_before(word[start]):
        start += 1
    while stop > start and may_stand_behind(word[stop - 1]):
        stop -= 1
    return word[start:stop] or word


def are_signs(before: str, behind: str) -> bool:
    """Returns whether what stands before a word and what stands behind it are no part of it."""
    return all(map(may_stand_before, before)) and all(map(may_stand_behind, behind))


def begins_word(text: str, place: int) -> bool:
    """Returns whether a word may begin at a place of a text, whatever stands further before it."""
    if not place or text[place - 1].isspace() or is_glued(text[place - 1]) or is_glued(text[place]):
        return True
    # A hyphen between letters is within a word.
    is_within = text[place - 1] in _HYPHENS and place > 1 and text[place - 2].isalnum()
    return may_stand_before(text[place - 1]) and not is_within


def ends_word(text: str, place: int) -> bool:
    """Returns whether a word may end before a place of a text, whatever stands further behind it."""
    if place == len(text) or is_glued(text[place - 1]):
        return True
    return parts_words(text[place])


def parts_words(character: str) -> bool:
    """Returns whether a character directly behind a word cannot go on with it."""
    return character.isspace() or is_glued(character) or may_stand_behind(character)
