"""The encodings that files of a language are in where they are not UTF-8."""

from __future__ import annotations

from collections.abc import Iterable

from nmt.preflight.languages import base_code

NEARLY_ALL = 0.9
"""Share of the lines beyond ASCII that are not UTF-8, above which a whole file is in another encoding.

Below it the others are UTF-8 already, and converting the file would spoil them.
"""

_WESTERN = "ISO-8859-1 or Windows-1252", "WINDOWS-1252"
_USUAL = {
    **dict.fromkeys(("be", "bg", "mk", "ru", "sr", "uk"), ("Windows-1251", "WINDOWS-1251")),
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), ("Windows-1250", "WINDOWS-1250")),
    "el": ("Windows-1253", "WINDOWS-1253"),
    "tr": ("Windows-1254", "WINDOWS-1254"),
    "ja": ("Shift JIS", "SHIFT_JIS"),
    "ko": ("EUC-KR", "EUC-KR"),
    "zh": ("GB 18030 or Big5", "GB18030"),
}


def how_to_convert(languages: Iterable[str]) -> str:
    """Says which encoding a file is probably in, that of the first of its languages which has one, and the command."""
    usual = (_USUAL[code] for code in map(base_code, languages) if code in _USUAL)
    likely, name = next(usual, _WESTERN)
    return f"it is probably in {likely}; convert it: iconv -f {name} -t UTF-8"
