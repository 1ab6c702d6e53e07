"""What a terminal shows of a text: how wide it is, and how to keep it from doing more than being shown."""

from __future__ import annotations

import shutil
import sys
import unicodedata

ZWNJ, ZWJ = "\u200c", "\u200d"
EMOJI_PRESENTATION = "\ufe0f"
FSI, PDI = "\u2068", "\u2069"  # what stands between them is ordered by itself, and nothing around it with it
DOTTED_CIRCLE = "\u25cc"  # what Unicode lets a mark stand on that has no letter

MOST_MARKS = 16
"""Code points shown of one character; the longest emoji have ten."""

# Signs of Arabic and Syriac numbers: format characters that can be seen.
_SEEN_FORMATS = {*map(chr, range(0x0600, 0x0606)), "\u06dd", "\u070f", "\u0890", "\u0891", "\u08e2"}


def columns_of_output() -> int | None:
    """How many columns the terminal has that standard output goes to; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


def visible(text: str) -> str:
    """The text without anything that a terminal would obey, or that would reorder what stands beside it.

    White space becomes a space and another control character the picture of it (from U+0080 to U+009F, and of a lone
    surrogate, U+FFFD). Format characters, which have no looks, are left out; the two that join and part letters stay.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Cc" and character < "\x80":
        return "\u2421" if character == "\x7f" else chr(0x2400 + ord(character))
    if category in ("Cc", "Cs"):
        return "\ufffd"
    return "" if category == "Cf" and character not in _SEEN_FORMATS | {ZWNJ, ZWJ} else character


def label(word: str, most: int) -> str:
    """A word as it can stand beside others: `visible`, never empty, and at most `most` columns wide.

    The end of a longer one is left out. One of which nothing can be seen is told by its code points.
    """
    text = visible(word[: most * MOST_MARKS]).lstrip(ZWNJ + ZWJ)
    parts = characters(text or " ".join(f"U+{ord(character):04X}" for character in word[:3]))
    if sum(map(_width, parts)) <= most:
        return "".join(parts)
    shown, room = "", most - 1
    for part in parts:
        room -= _width(part)
        if room < 0:
            break
        shown += part
    return shown + "…"


def isolated(text: str) -> str:
    """The text, so marked where it runs from right to left that a terminal which knows of that moves nothing else."""
    runs_left = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)
    return f"{FSI}{text}{PDI}" if runs_left else text


def width(text: str) -> int:
    """The columns that most terminals give to a text: two for wide characters and emoji, none for combining marks."""
    return sum(map(_width, characters(text)))


def characters(text: str) -> list[str]:
    """What a reader takes for the characters of a text: each with its marks, and emoji with what they are joined of.

    Marks without a letter stand on a dotted circle; more than `MOST_MARKS` are left out.
    """
    found: list[str] = []
    for character in text:
        if found and _belongs_to(found[-1], character):
            if len(found[-1]) < MOST_MARKS:
                found[-1] += character
        else:
            stands_alone = _width_alone(character) or unicodedata.category(character) in ("Cf", "Cc")
            found.append(character if stands_alone else DOTTED_CIRCLE + character)
    return found


def _belongs_to(before: str, character: str) -> bool:
    if _is_skin_colour(character) and unicodedata.category(before[0]) == "So":
        return True
    if _is_wide_whole(before):
        if before.endswith(ZWJ):
            return True
    elif len(before) == 1 and _is_flag_letter(before) and _is_flag_letter(character):
        return True
    return not _width_alone(character)


def _width(character: str) -> int:
    if _is_wide_whole(character):
        return 2
    return sum(map(_width_alone, character))


def _width_alone(character: str) -> int:
    if character.isascii() and character.isprintable():
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc") and character not in _SEEN_FORMATS:
        return 0
    if "\u1160" <= character <= "\u11ff":  # vowels and ends of Korean syllables, which join what stands before
        return 0
    return 2 if _is_wide(character) else 1


def _is_wide_whole(character: str) -> bool:
    """Whether a character with all that is joined to it is wide, as emoji are, whatever they begin with."""
    return _is_wide(character[0]) or EMOJI_PRESENTATION in character or any(map(_is_skin_colour, character))


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")


def _is_skin_colour(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
