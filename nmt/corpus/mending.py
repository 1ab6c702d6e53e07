"""Mending of text: what happened to a line on its way into a corpus, undone where there is no doubt.

A mend is a function from text to text. Text that is right stays as it is, and text that was mended is right: mending it
again changes nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from enum import StrEnum
from html.entities import html5

from nmt.io.scripts import OTHER_UNSPACED

_ROUNDS = 8  # one mend can uncover what another one mends; more than a few times it is no accident


class Mend(StrEnum):
    """A kind of mend, by the name that reports give it."""

    ENCODED_TWICE = "encoded_twice"
    ENTITIES = "entities"
    WINDOWS_CONTROLS = "windows_controls"
    INVISIBLE = "invisible"
    WHITE_SPACE = "white_space"


MEND_MEANINGS = {
    Mend.ENCODED_TWICE: "UTF-8 that was read as another encoding and encoded again: “Ã©” for “é”",
    Mend.ENTITIES: "entities of HTML and XML, escaped several times, too: `&apos;`, `&amp;quot;`, `& #233;`",
    Mend.WINDOWS_CONTROLS: "typographic signs of Windows-1252 that were read as control characters",
    Mend.INVISIBLE: "control characters, byte order marks, soft hyphens and characters without width",
    Mend.WHITE_SPACE: "white space: runs of it, tabs, line breaks, and what stands at the ends",
}
"""What each mend undoes."""

# What Windows-1252 makes of the bytes 0x80 to 0x9F, where it makes something of them.
_WINDOWS = {
    code: character
    for code in range(0x80, 0xA0)
    if (character := bytes([code]).decode("cp1252", errors="replace")) != "\ufffd"
}
_BYTES = {character: code for code, character in _WINDOWS.items()}
_CONTINUATION = "\x80-\xbf" + "".join(_WINDOWS.values())
_QUOTES = "\xa0\xab\xbb‚„…‹›‘’“”–—"  # may stand behind a capital that ends a word: “IRMÔ
_SURE = "".join(character for character in map(chr, range(0x80, 0xC0)) if character not in _QUOTES)
_SURE += "".join(character for character in _WINDOWS.values() if character not in _QUOTES)

# Either several characters of UTF-8 one after the other, in whatever script, or one of those that are never right.
_ENCODED_TWICE = re.compile(
    f"(?:[Â-ß][{_CONTINUATION}]|[à-ï][{_CONTINUATION}]{{2}}|[ð-ô][{_CONTINUATION}]{{3}}){{2,}}"
    f"|[ÂÃÐÑ](?:[{_SURE}]|(?<![A-ZÀ-Þ][ÂÃÐÑ])[{_QUOTES}])"
    f"|(?<![A-ZÀ-Þ])[ÄÅ][{_SURE}]|(?<=[a-zß-ÿ])[ÄÅ][{_QUOTES}]|[ÄÅ][‚„‘’“”](?=[a-z])"
    f"|â[€\x80][{_CONTINUATION}]|ï»¿|ðŸ[{_CONTINUATION}]{{2}}"
)

_LAYERS = "(?:amp;)*"  # all of those that escaping again and again has made, at once
_ENTITY = re.compile(f"&{_LAYERS}(#[0-9]{{1,7}}|#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});")
_PARTED_ENTITY = re.compile("& ?(quot|apos|amp|lt|gt|nbsp|#[0-9]{2,5}) ?;")  # by a tokenizer that took it for words

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\x81\x8d\x8f\x90\x9d\u00ad\u2060\ufeff]")
# Thai, Lao, Tibetan, Burmese and Khmer part words by a space without width; elsewhere nobody does.
_ZERO_WIDTH_SPACE = re.compile(f"(?<![{OTHER_UNSPACED}])\u200b|\u200b(?![{OTHER_UNSPACED}])")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RUNS_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")

# What a line without faults does not have; `str.isprintable` refuses controls, invisible characters and white space.
_SUSPECT = re.compile(f"&|  |^ | $|[Â-ô][{_CONTINUATION}]")


def mend(text: str) -> tuple[str, tuple[Mend, ...]]:
    """Mends a line, and returns it with the kinds of mends that it took.

    Of U+200C and U+200D, which Persian and the languages of India write, none is touched; nor are marks of direction in
    text that runs from right to left. A line that would go on changing, as nothing but malice makes one, stays.
    """
    if text.isprintable() and not _SUSPECT.search(text):
        return text, ()
    made: dict[Mend, None] = {}
    current = text
    for _ in range(_ROUNDS):
        before = current
        for kind, function in _MENDS:
            mended = function(current)
            if mended != current:
                made[kind] = None
                current = mended
        if current == before:
            return current, tuple(made)
    return text, ()


def decoded_twice(text: str) -> str:
    """Decodes once more what is UTF-8 that was read as Latin-1 or Windows-1252: `Ã©` becomes `é`."""
    return _ENCODED_TWICE.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    found = match[0]
    try:
        return bytes(_BYTES.get(character, ord(character)) for character in found).decode()
    except ValueError:  # no UTF-8 after all
        return found


def without_entities(text: str) -> str:
    """Replaces entities that end in a semicolon by their characters: `&amp;quot;` becomes `"`."""
    if "&" not in text:
        return text
    return _PARTED_ENTITY.sub(lambda match: _unescaped(match[1], match[0]), _ENTITY.sub(_entity, text))


def _entity(match: re.Match[str]) -> str:
    name, whole = match[1], match[0]
    # An unknown name is text, of which what escaped its ampersand is taken away.
    return _unescaped(name, f"&{name};" if len(whole) > len(name) + 2 else whole)


def _unescaped(name: str, otherwise: str) -> str:
    if name.startswith("#"):
        return html.unescape(f"&{name};")
    return html5.get(f"{name};", otherwise)


def without_windows_controls(text: str) -> str:
    """Replaces U+0080 to U+009F by the signs that Windows-1252 has there, as browsers do."""
    return text.translate(_WINDOWS)


def without_invisible(text: str) -> str:
    """Removes what is neither seen nor needed: controls, byte order marks, soft hyphens, stray marks of direction."""
    text = _ZERO_WIDTH_SPACE.sub("", _CONTROLS.sub("", text))
    if _DIRECTIONS.search(text) and not _RUNS_LEFT.search(text):
        text = _DIRECTIONS.sub("", text)
    return text


def with_single_spaces(text: str) -> str:
    """Replaces each run of white space by one space, and removes it at both ends."""
    return " ".join(text.split())


_MENDS: tuple[tuple[Mend, Callable[[str], str]], ...] = (
    (Mend.ENCODED_TWICE, decoded_twice),
    (Mend.ENTITIES, without_entities),
    (Mend.WINDOWS_CONTROLS, without_windows_controls),
    (Mend.INVISIBLE, without_invisible),
    (Mend.WHITE_SPACE, with_single_spaces),
)
