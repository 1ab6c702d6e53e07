"""Corpora of many kinds with nothing wrong in them, of which nothing is warned."""

from __future__ import annotations

import random
import zlib

import pytest

ARABIC, THAI, HANGUL = 0x0628, 0x0E01, 0xAC00
SETS = ("training", "validation", "test")


def in_letters(first, line, step=1):
    """Writes a line in the letters of another script."""
    return "".join(chr(first + step * (ord(c) % 26)) if c.isalpha() else c for c in line.lower())


def chance(line, count):
    """Returns True for one line in `count`."""
    return zlib.crc32(line.encode()) % count == 0


def quoted_now_and_then(line):
    return f"« {line} »" if chance(line, 7) else line


KINDS = {
    "Arabic, from right to left": (
        "ar",
        lambda line: in_letters(ARABIC, line).replace(".", "؟" if chance(line, 5) else "."),
    ),
    "Thai, without spaces": ("th", lambda line: in_letters(THAI, line).replace(" ", "").rstrip(".")),
    "Korean": ("ko", lambda line: in_letters(HANGUL, line, 28)),
    "Chinese": ("zh", lambda line: in_letters(0x4E00, line, 97).replace(" ", "").rstrip(".") + "。"),
    "headlines without full stops": ("fr", lambda line: line.rstrip(".")),
    "the same word at every end": ("fr", lambda line: line.rstrip(".") + " vraiment."),
    "quotations here and there": ("fr", quoted_now_and_then),
    "French marks after a space": ("fr", lambda line: line.rstrip(".") + (" ?" if chance(line, 3) else " !")),
    "hashes and ampersands": ("fr", lambda line: line.replace("é ", "é & fils #1 ", chance(line, 3))),
    "numbers at some beginnings": ("fr", lambda line: f"{len(line)} {line}" if chance(line, 9) else line),
    "uncased": ("fr", str.lower),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_warned_of(kind, corpus, check_data):
    language, write = KINDS[kind]
    for name in SETS:
        corpus.write(f"{name}.fr", [write(line) for line in corpus.lines(f"{name}.fr")])
    assert check_data(corpus.config(data={"target_language": language})) == []


def test_nothing_is_warned_of_where_all_styles_are_mixed(corpus, check_data):
    """Curly and straight quotes, with and without full stops, lines in capitals: as texts from many hands are."""
    generator = random.Random(1)
    changes = [str.upper, lambda line: line.rstrip("."), lambda line: f"“{line}”", lambda line: f'"{line}"', str]
    for name in SETS:
        lines = [generator.choices(changes, [1, 6, 3, 3, 7])[0](line) for line in corpus.lines(f"{name}.fr")]
        corpus.write(f"{name}.fr", lines)
    assert check_data(corpus.config()) == []
