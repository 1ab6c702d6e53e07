"""Fonts for a figure: installed ones that together have all characters of its text, so that none becomes a box."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.font_manager import FontProperties, findSystemFonts
from matplotlib.ft2font import FT2Font, LoadFlags

from nmt.errors import StorageError
from nmt.io.terminal import ZWJ, ZWNJ

DEFAULT_FONT = "DejaVuSans.ttf"
"""Comes with matplotlib: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic, and many signs."""

MAX_NAMED = 5  # characters of a script that an error names

_EAST_ASIAN = {"BOPOMOFO", "CJK", "FULLWIDTH", "HALFWIDTH", "HANGUL", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA"}
_HINTS = {
    "East Asian": "Noto Sans CJK (Debian, Ubuntu: apt install fonts-noto-cjk)",
    "symbols": "Symbola (Debian, Ubuntu: apt install fonts-symbola); fonts of coloured pictures do not serve",
    "others": "one of the Noto fonts (Debian, Ubuntu: apt install fonts-noto-core)",
}


class FontFiles(FontProperties):
    """The fonts of a text by their files; the next one is used for characters that those before it lack.

    Matplotlib finds fonts by the names of their families, among those it knew when it first ran. Here each
    "family" is the file itself.
    """

    def __init__(self, files: Sequence[str], size: float) -> None:
        super().__init__(family=list(files), size=size)

    def set_family(self, family: Any) -> None:
        """Sets the list of files, or chooses one of them."""
        super().set_family(family)
        if isinstance(family, str):
            self.set_file(family)

    def copy(self) -> FontFiles:
        """Returns a copy that can be changed."""
        new = FontFiles.__new__(FontFiles)
        new.__dict__.update(self.__dict__)
        return new

    __copy__ = copy


def fonts_for(text: str, where: str) -> list[str]:
    """Finds font files that together have every character of the text; the one that comes with matplotlib is first.

    The installed font with most of the missing characters is added until none is missing; the choice depends on
    nothing but the text and the installed fonts.

    Raises:
        StorageError: about the file at `where`: no installed font has some of the characters, which are named.
    """
    missing = {character for character in text if _needs_glyph(character)}
    first = str(Path(matplotlib.get_data_path(), "fonts", "ttf", DEFAULT_FONT))
    missing -= _covered_by(first, missing)
    chosen = [first]
    if missing:
        candidates = [(path, _covered_by(path, missing)) for path in _installed()]
        while missing:
            path, covered = max(candidates, key=lambda candidate: len(candidate[1] & missing), default=("", set()))
            if not covered & missing:
                raise StorageError(where, _missing_message(missing))
            chosen.append(path)
            missing -= covered
    return chosen


def _installed() -> list[str]:
    """Lists the font files of this system, upright sans-serifs of ordinary weight first."""
    return sorted(findSystemFonts(), key=lambda path: (_unlikeness(Path(path).stem.lower()), path))


def _unlikeness(name: str) -> int:
    unlike = ("bold", "black", "light", "thin", "heavy", "medium", "italic", "oblique", "condensed", "serif", "mono")
    return sum(word in name for word in unlike) + ("sans" not in name)


def _covered_by(path: str, characters: Iterable[str]) -> set[str]:
    """Returns the characters for which the font has a shape."""
    try:
        font = FT2Font(path)
        font.set_size(12, 72)  # refused by fonts that are pictures of one size
        return {character for character in characters if _has_shape(font, ord(character))}
    except (OSError, RuntimeError):  # no font that can be drawn
        return set()


def _has_shape(font: FT2Font, code: int) -> bool:
    if not font.get_char_index(code):
        return False
    # Fonts of coloured layers have glyphs without an outline.
    font.load_char(code, LoadFlags.NO_HINTING)
    return len(font.get_path()[0]) > 0


def _needs_glyph(character: str) -> bool:
    """True if the character is visible; joiners and other format characters need no font."""
    return not (character.isspace() or character in ZWJ + ZWNJ or unicodedata.category(character) == "Cf")


def _missing_message(missing: Iterable[str]) -> str:
    by_script: dict[tuple[str, str], list[str]] = {}
    for character in sorted(missing):
        by_script.setdefault(_script(character), []).append(character)
    named = ", ".join(f"{script} ({' '.join(_shortened(found))})" for (_, script), found in by_script.items())
    hints = dict.fromkeys(_HINTS[kind] for kind, _ in by_script if kind in _HINTS)
    install = "; install " + ", and ".join(hints) if hints else ""
    return f"cannot be drawn: no installed font has these characters: {named}{install}"


def _script(character: str) -> tuple[str, str]:
    """Returns the kind of the script in `_HINTS`, and its name."""
    name = unicodedata.name(character, "")
    first = name.partition(" ")[0].partition("-")[0]
    if first in _EAST_ASIAN:
        return "East Asian", {"CJK": "Chinese characters"}.get(first, first.capitalize())
    if not name:
        return "none", "without a name"
    return ("symbols", "symbols") if unicodedata.category(character)[0] == "S" else ("others", first.capitalize())


def _shortened(characters: Sequence[str]) -> Iterator[str]:
    for character in characters[:MAX_NAMED]:
        yield character if unicodedata.name(character, "") else f"U+{ord(character):04X}"
    if len(characters) > MAX_NAMED:
        yield f"and {len(characters) - MAX_NAMED} more"
