"""English word forms: plurals, persons and pasts of verbs, and the article before a vowel."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PASTS: Mapping[str, str] = MappingProxyType(
    {
        "see": "saw",
        "find": "found",
        "lose": "lost",
        "eat": "ate",
        "drink": "drank",
        "read": "read",
        "write": "wrote",
        "buy": "bought",
        "sell": "sold",
        "choose": "chose",
        "bring": "brought",
        "wear": "wore",
        "draw": "drew",
        "take": "took",
        "break": "broke",
        "know": "knew",
        "meet": "met",
        "forget": "forgot",
        "hide": "hid",
        "feed": "fed",
        "drive": "drove",
        "build": "built",
        "sing": "sang",
        "keep": "kept",
        "throw": "threw",
        "understand": "understood",
        "hear": "heard",
        "catch": "caught",
        "go": "went",
        "come": "came",
        "give": "gave",
        "show": "showed",
        "send": "sent",
        "lend": "lent",
        "tell": "told",
        "sleep": "slept",
        "run": "ran",
        "swim": "swam",
        "travel": "travelled",
        "leave": "left",
        "fall": "fell",
        "fly": "flew",
        "wake": "woke",
        "get": "got",
        "think": "thought",
        "say": "said",
        "begin": "began",
    }
)
VOWEL_SOUNDS_BY_EXCEPTION = ("honest",)
CONSONANT_SOUNDS_BY_EXCEPTION = ("uniform", "useful")


def add_s(word: str) -> str:
    """Returns the form in -s: the plural of a regular noun, the third person of a verb."""
    if word.endswith(("s", "x", "z", "ch", "sh", "o")) and not word.endswith(("piano", "photo", "radio")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def past(verb: str) -> str:
    """Returns the simple past of a verb."""
    if verb in PASTS:
        return PASTS[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


def indefinite_article(following: str) -> str:
    """Returns "a" or "an", by the sound of the following word."""
    if following.startswith(VOWEL_SOUNDS_BY_EXCEPTION):
        return "an"
    if following.startswith(CONSONANT_SOUNDS_BY_EXCEPTION):
        return "a"
    return "an" if following[0].lower() in "aeiou" else "a"
