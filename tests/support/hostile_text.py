"""Lines of what programs stumble over: other line breaks, controls, broken UTF-8, all planes of Unicode, marks."""

from __future__ import annotations

import random
from collections.abc import Sequence

BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What an output line may not hold: what `str.splitlines` breaks at."""

BLANKS = (" ", "\t", "\u00a0", "\ufeff", "\u3000", "\u2003", "\u1680", *BREAKS[1:], "\x1f")
"""White space and the byte order mark; a line of nothing else is blank."""

CONTROL_WORDS = ("<s>", "</s>", "<pad>", "<unk>", "<0x0A>", "<0x00>", "▁<s>", "<s", "s>", "⁇")
"""How tokenizers spell what is no text. Typed by a user, it is text."""

SCRIPTS = {
    "LATIN": "éßøłşﬁ",
    "CYRILLIC": "жщёѣ",
    "GREEK": "άΐς",
    "ARMENIAN": "աևֆ",
    "HEBREW": "שׁלֹך",
    "ARABIC": "لاﷺی\u200c",
    "SYRIAC": "ܐܒ",
    "DEVANAGARI": "क्षि\u200d",
    "BENGALI": "ক্ষো",
    "TAMIL": "கௌ",
    "TELUGU": "క్ష",
    "SINHALA": "ක්\u200dෂ",
    "THAI": "กำแ",
    "LAO": "ກຳ",
    "TIBETAN": "ཀྵ་",
    "MYANMAR": "က္က",
    "GEORGIAN": "აჰ",
    "HANGUL": "한ᄒ",
    "ETHIOPIC": "ሀቋ",
    "KHMER": "ខ្មែរ\u200b",
    "KANA": "がカ゛ｶﾞ",
    "HAN": "㍿神神",
    "SYMBOLS": "²…½™①🙂👩\u200d👧\ufe0f",
    "INVISIBLE": "\u00ad\u200b\u200e\ufeff\x01\x7f\u202a\U000e0001▅\0",
}
"""Letters and marks of many scripts, among them such as normalisation changes, or that do not show."""

_CHARACTERS = (
    "\r\0\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029\ufeff\u00a0\u200b\u00ad\u202e\x1b\x7f\u0301▁🙂𝔸\U0010fffd\U000e0001"
)
_PIECES = (
    *(character.encode() for character in _CHARACTERS),
    *(b"\xff", b"\xc3", b"\xe2\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\x80", b"\xfe\xff"),
    *(word.encode() for word in CONTROL_WORDS),
    *(b" ", b" ", b"\t", b"|||", b"ba", b"ce di", b"fogu", b" ha", b"lo"),
)


def hostile_line(generator: random.Random, most: int = 8) -> bytes:
    """A line, without the `\\n` that ends it, of at most so many pieces; now and then none."""
    return b"".join(_piece(generator) for _ in range(generator.randint(0, most))).replace(b"\n", b"")


def _piece(generator: random.Random) -> bytes:
    match generator.randrange(8):
        case 0:
            return generator.randbytes(generator.randint(1, 3))
        case 1:
            return chr(generator.randrange(0x20)).encode()
        case 2:
            code = generator.choice((generator.randrange(0x80, 0x3000), generator.randrange(0x10000, 0x110000)))
            return chr(code).encode()
        case _:
            return generator.choice(_PIECES)


def hostile_text(generator: random.Random, lines: int, *, valid: bool = False) -> bytes:
    """So many lines, some of them ended by `\\r\\n`, the last ended or not; all of it UTF-8 if `valid`, else hardly."""
    made = [hostile_line(generator) + generator.choice((b"", b"", b"\r")) for _ in range(lines - 1)]
    last = hostile_line(generator) + b"ba"  # without a line end, an empty one would be none
    data = b"\n".join([*made, last]) + generator.choice((b"", b"\n", b"\r\n"))
    return data.decode(errors="ignore").encode() if valid else data


def lines_of(data: bytes) -> list[str]:
    """The lines of a text, said differently from the program: `\\n` ends one, and takes one `\\r` before it along."""
    *ended, last = data.split(b"\n")
    lines = [line.removesuffix(b"\r") for line in ended] + [last] * bool(last)
    return [line.decode(errors="replace") for line in lines]


def breaks_in(lines: Sequence[str]) -> list[str]:
    """The lines that hold what `BREAKS` lists."""
    return [line for line in lines if len(line.splitlines()) > 1 or set(line) & set(BREAKS)]
