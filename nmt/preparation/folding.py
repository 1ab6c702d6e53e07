"""Folding: what makes two sentences the same for the purpose of holding one out, and 64-bit hashes of it.

Among a million sentences, the chance that any two different ones share a hash is 1 in 37 million, and among 100 million
1 in 3,700; two that do are taken for one, so that a pair is left out, and nothing worse.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_BASIC = 0x10000  # punctuation beyond is that of scripts nobody writes today


def _punctuation() -> re.Pattern[str]:
    signs = [chr(code) for code in range(_BASIC) if unicodedata.category(chr(code)).startswith("P")]
    return re.compile(f"[{re.escape(''.join(signs))}]+")


_PUNCTUATION = _punctuation()
_ASCII_PUNCTUATION = str.maketrans({chr(code): " " for code in range(128) if _PUNCTUATION.match(chr(code))})


def fold(text: str) -> str:
    """Returns a sentence without what does not make it another one: case, punctuation, white space, form of Unicode.

    One that is nothing but punctuation keeps it.
    """
    if text.isascii():
        folded = text.lower().translate(_ASCII_PUNCTUATION)
    else:
        folded = _PUNCTUATION.sub(" ", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split()) or text


def digest(text: str) -> bytes:
    """Hashes a text to 8 bytes, the same on every machine."""
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
