"""Faults of a pair of lines: reasons not to learn from it, found in its text alone."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from nmt.io.lines import MAX_LINE_BYTES, is_blank


class Fault(StrEnum):
    """A reason to leave out a pair, by the name that reports give it."""

    HEADER = "header"
    BLANK = "blank"
    LINE_BREAK = "line_break"
    TOO_LONG = "too_long"
    DAMAGED = "damaged"
    NO_LETTERS = "no_letters"
    MARKUP = "markup"
    UNTRANSLATED = "untranslated"
    WRONG_SCRIPT = "wrong_script"
    RATIO = "ratio"
    WRONG_LANGUAGE = "wrong_language"
    NUMBERS = "numbers"
    ADDRESSES = "addresses"
    PUNCTUATION = "punctuation"
    ALL_CAPS = "all_caps"
    DIGITS = "digits"


@dataclass(frozen=True)
class LengthLimits:
    """Limits of the length of either side."""

    words: int
    characters: int


SAFE_LENGTH = LengthLimits(250, 2500)
STRICT_LENGTH = LengthLimits(100, 1000)

_RATIO, _ALLOWANCE = 4, 20  # so many times as long, after so many characters of grace on both sides
_UNTRANSLATED_WORDS, _UNTRANSLATED_LETTERS = 5, 20
_OWN_SCRIPT = 0.2  # least share of the letters
_FEW_LETTERS, _FEW_LATIN_LETTERS = 10, 25  # Latin ones are names and terms in every language
_CAPITALS = 10
_LEAST_DIGITS = 3
_FOREIGN_WORDS = 3

# Characters of scripts in which one says what takes two or three elsewhere.
_DENSE = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9:]{0,15}(?:\s[^<>]{0,200})?/?>|\{\{[^{}]{0,200}\}\}|\[\[[^\[\]]{0,200}\]\]")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>]+[^\s<>.,;:!?)\]»”\"']|[\w.+-]+@[\w-]+\.[\w.-]*\w")
_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]+")
_QUESTION = re.compile("[?？؟⁇⁈¿]")
_NO_QUESTION_MARK = frozenset({"th", "lo", "km", "my", "el", "hy", "bo", "am", "ja", "zh", "yue"})

_JAPANESE = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "IDEOGRAPHIC": "CJK"}


def storage_fault(source: str, target: str) -> Fault | None:
    """Returns why a pair cannot be stored as two lines of two files; None if it can."""
    if is_blank(source) or is_blank(target):
        return Fault.BLANK
    if "\n" in source or "\n" in target or source.endswith("\r") or target.endswith("\r"):
        return Fault.LINE_BREAK
    most = MAX_LINE_BYTES // 4  # characters, each of which has four bytes at most
    for text in (source, target):
        if len(text) > most and len(text.encode()) > MAX_LINE_BYTES:
            return Fault.TOO_LONG
    return None


@dataclass(frozen=True)
class SideRules:
    """What is known of the language of a side."""

    language: str
    script: str | None = None  # the only one that it is written in, by the first word of the names of its letters
    frequent: frozenset[str] = frozenset()  # words of the language, if such are known
    foreign: tuple[frozenset[str], ...] = ()  # of each other language, those that it does not have itself

    def has_wrong_script(self, text: str) -> bool:
        """True if enough letters are of other scripts."""
        if self.script is None or (self.script == "LATIN" and text.isascii()):
            return False
        letters = len(_LETTER.findall(text))
        if letters < _FEW_LETTERS or len(letters_of(self.script).findall(text)) >= _OWN_SCRIPT * letters:
            return False
        latin = len(letters_of("LATIN").findall(text))
        return latin <= letters / 2 or letters >= _FEW_LATIN_LETTERS

    def is_foreign(self, text: str) -> bool:
        """True if the text has several frequent words of one other language, and none of its own."""
        words = set(_WORD.findall(text.lower()))
        if not self.frequent or not self.frequent.isdisjoint(words):
            return False
        return any(len(words & other) >= _FOREIGN_WORDS for other in self.foreign)


@cache
def letters_of(script: str) -> re.Pattern[str]:
    """Returns a pattern of one letter of a script; Han characters, Hiragana and Katakana are one, as `CJK`."""
    codes = [code for code in range(0x41, 0x20000) if chr(code).isalpha() and script_of_letter(chr(code)) == script]
    codes += range(0x20000, 0x32000) if script == "CJK" else ()
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges) + "]")


def script_of_letter(letter: str) -> str:
    """Returns the script of a letter, by the first word of its name."""
    script = unicodedata.name(letter, "?").partition(" ")[0]
    return _JAPANESE.get(script, script)


def safe_fault(source: str, target: str, rules: tuple[SideRules, SideRules]) -> Fault | None:
    """Returns why nothing can be learned from a pair of mended lines; None if something can."""
    if not source or not target:
        return Fault.BLANK
    if _is_long(source, SAFE_LENGTH) or _is_long(target, SAFE_LENGTH):
        return Fault.TOO_LONG
    if "\ufffd" in source or "\ufffd" in target:
        return Fault.DAMAGED
    if not _LETTER.search(source) or not _LETTER.search(target):
        return Fault.NO_LETTERS
    if _is_markup(source) or _is_markup(target):
        return Fault.MARKUP
    if source == target and rules[0].language != rules[1].language and _is_sentence(source):
        return Fault.UNTRANSLATED
    if rules[0].has_wrong_script(source) or rules[1].has_wrong_script(target):
        return Fault.WRONG_SCRIPT
    return Fault.RATIO if _lengths_differ(source, target) else None


def strict_fault(source: str, target: str, rules: tuple[SideRules, SideRules]) -> Fault | None:
    """Returns why a pair that has no `safe_fault` is doubtful; None if nothing speaks against it."""
    if _is_long(source, STRICT_LENGTH) or _is_long(target, STRICT_LENGTH):
        return Fault.TOO_LONG
    if source.casefold() == target.casefold() and len(source.split()) > 1:
        return Fault.UNTRANSLATED
    if rules[0].is_foreign(source) or rules[1].is_foreign(target):
        return Fault.WRONG_LANGUAGE
    if _numbers_differ(source, target):
        return Fault.NUMBERS
    if sorted(_ADDRESS.findall(source)) != sorted(_ADDRESS.findall(target)):
        return Fault.ADDRESSES
    if _questions_differ(source, target, rules):
        return Fault.PUNCTUATION
    if _is_capital(source) or _is_capital(target):
        return Fault.ALL_CAPS
    return Fault.DIGITS if _is_mostly_digits(source) or _is_mostly_digits(target) else None


def _is_long(text: str, most: LengthLimits) -> bool:
    # A word and its space take two characters at least.
    return len(text) > most.characters or (len(text) > 2 * most.words and text.count(" ") >= most.words)


def _is_markup(text: str) -> bool:
    """True if more letters stand in tags, templates and addresses than between them."""
    if not ("<" in text or "{{" in text or "[[" in text or "://" in text or "www." in text):
        return False
    rest = _ADDRESS.sub("", _TAG.sub("", text))
    return len(_LETTER.findall(rest)) < len(_LETTER.findall(text)) / 2


def _is_sentence(text: str) -> bool:
    """True if the text is no mere name, title or number."""
    words = text.split()
    letters = len(_LETTER.findall(text))
    if letters < _UNTRANSLATED_LETTERS:
        return False
    if text.lower() == text.upper():  # a script without capitals
        return True
    lowercase = sum(word[:1].islower() for word in words)
    return len(words) >= _UNTRANSLATED_WORDS and lowercase > len(words) / 2


def _lengths_differ(source: str, target: str) -> bool:
    one, other = len(source), len(target)
    if max(one, other) + _ALLOWANCE <= _RATIO * (min(one, other) + _ALLOWANCE):
        return False
    one, other = one + len(_DENSE.findall(source)), other + len(_DENSE.findall(target))
    return max(one, other) + _ALLOWANCE > _RATIO * (min(one, other) + _ALLOWANCE)


def _numbers_differ(source: str, target: str) -> bool:
    """Compares the digits, in whatever order, script and grouping; small numbers may be words on one side."""
    ours, theirs = (
        sorted(str(unicodedata.digit(digit, 0)) for digit in _NUMBER.findall(text)) for text in (source, target)
    )
    if ours == theirs:
        return False
    return bool(ours and theirs) or len(ours or theirs) >= _LEAST_DIGITS


def _questions_differ(source: str, target: str, rules: tuple[SideRules, SideRules]) -> bool:
    """True if one side asks a question and the other does not, in languages that mark every question."""
    if any(rule.language in _NO_QUESTION_MARK for rule in rules):
        return False
    return bool(_QUESTION.search(source)) != bool(_QUESTION.search(target))


def _is_capital(text: str) -> bool:
    return text.isupper() and len(_LETTER.findall(text)) >= _CAPITALS


def _is_mostly_digits(text: str) -> bool:
    digits = len(_NUMBER.findall(text))
    return digits > _LEAST_DIGITS and digits > len(_LETTER.findall(text)) / 2
