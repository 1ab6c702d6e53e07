"""Text on a terminal: its width in columns, and a form of it that a terminal shows and does not obey."""

from __future__ import annotations

import shutil
import sys
import unicodedata

ZWNJ, ZWJ = "\u200c", "\u200d"
FSI, PDI = "\u2068", "\u2069"  # isolate what stands between them: its direction moves nothing around it
DOTTED_CIRCLE = "\u25cc"  # the base that Unicode gives to a mark without a letter

MOST_MARKS = 16
"""Maximum number of code points shown of one character; the longest emoji have ten."""

# Number signs of Arabic and Syriac: format characters that can be seen.
_SEEN_FORMATS = {*map(chr, range(0x0600, 0x0606)), "\u06dd", "\u070f", "\u0890", "\u0891", "\u08e2"}


def columns_of_output() -> int | None:
    """Returns the columns of the terminal that standard output goes to; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


def visible(text: str) -> str:
    """Returns the text without anything that a terminal would obey, or that would reorder its surroundings.

    White space becomes a space, any other control character its picture (from U+0080 to U+009F, and for a lone
    surrogate, U+FFFD). Format characters, which are invisible, are left out, except the two that join and part letters.
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
    """Returns a word as it can stand beside others: `visible`, never empty, and at most `most` columns wide.

    The end of a longer word is left out. A word without visible characters is represented by its code points.
    """
    text = visible(word[: most * MOST_MARKS]).lstrip(ZWNJ + ZWJ)
    parts = characters(text or " ".join(f"U+{ord(character):04X}" for character in word[:3]))
    widths = list(map(_columns, parts))
    if sum(widths) <= most:
        return "".join(parts)
    shown, room = "", most - 1
    for part, columns in zip(parts, widths, strict=True):
        room -= columns
        if room < 0:
            break
        shown += part
    return shown + "…"


def isolated(text: str) -> str:
    """Returns the text, isolated if it runs from right to left, so that a bidirectional terminal moves nothing else."""
    runs_left = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)
    return f"{FSI}{text}{PDI}" if runs_left else text


def width(text: str) -> int:
    """Returns the columns of a text on most terminals: two for wide characters and emoji, none for combining marks."""
    return sum(map(_columns, characters(text)))


def characters(text: str) -> list[str]:
    """Splits a text into grapheme clusters (Unicode Standard Annex 29), which a reader takes for its characters.

    A mark without a letter stands on a dotted circle; of a cluster, at most `MOST_MARKS` code points are kept.
    """
    # Takes a fortieth of a second to import, and most commands measure no text.
    from wcwidth import iter_graphemes

    return [_with_base(cluster[:MOST_MARKS]) for cluster in iter_graphemes(text)]


def _with_base(cluster: str) -> str:
    return DOTTED_CIRCLE + cluster if unicodedata.category(cluster[0]).startswith("M") else cluster


def _columns(cluster: str) -> int:
    if cluster.isascii() and cluster.isprintable():
        return len(cluster)
    import wcwidth

    # To wcwidth a sign of narrow presentation stays narrow, even where a skin colour makes it an emoji.
    has_skin_colour = any("\U0001f3fb" <= character <= "\U0001f3ff" for character in cluster)
    least = 2 if has_skin_colour else int(unicodedata.category(cluster[0]) not in ("Cc", "Cf"))
    return max(least, wcwidth.width(cluster, control_codes="ignore"))
