"""Claims about `nmt.io.terminal`: text on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.io.terminal import MOST_MARKS, characters, isolated, label, visible, width


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("日本", 4),
        ("ﾊﾝｶｸ", 4),
        ("한글", 4),
        ("\u1112\u1161\u11ab", 2),
        ("e\u0301", 1),
        ("👩‍💻", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("❤️", 2),
        ("❤", 1),
        ("👍🏽", 2),
        ("☝🏽", 2),
        ("☝️🏽", 2),
        ("x🏽", 3),
        ("🕵🏽‍♂️", 2),
        ("⛹🏽‍♀️", 2),
        ("🏋🏽‍♀", 2),
        ("🇫🇷🇩🇪", 4),
        ("1\ufe0f\u20e3", 2),
        ("क्‍ष", 2),
        ("שָׁלוֹם", 4),
        ("\u2068שלום\u2069", 4),
        ("\u1161", 1),
        ("", 0),
    ],
)
def test_width_is_that_of_most_terminals(text: str, columns: int) -> None:
    assert width(text) == columns


def test_characters_are_what_a_reader_counts() -> None:
    assert characters("ae\u0301👩‍💻🇫🇷🇩🇪👍🏽b") == ["a", "e\u0301", "👩‍💻", "🇫🇷", "🇩🇪", "👍🏽", "b"]
    assert characters("\u0301a") == ["◌\u0301", "a"]
    [stack] = characters("a" + "\u0301" * 1000)
    assert len(stack) == MOST_MARKS


def test_controls_become_visible_and_formats_go() -> None:
    assert visible("a\x1b[1m\x07\x7f\x9b\udcff") == "a␛[1m␇␡��"
    assert visible("a\tb\u2028c") == "a b c"
    assert visible("\u202ea\u2066b\u200b\u00ad\ufeffc\U000e0041") == "abc"
    assert visible("👩‍💻 می‌خواهم") == "👩‍💻 می‌خواهم"


def test_a_word_of_nothing_visible_is_told_by_its_code_points() -> None:
    assert label("\u200b", 20) == "U+200B"
    assert label("\u200d\u202e", 20) == "U+200D U+202E"


def test_a_long_word_is_cut_between_characters() -> None:
    assert label("日本語", 6) == "日本語"
    assert label("日本語", 5) == "日本…"
    assert label("日本語", 4) == "日…"
    assert label("ab👩‍💻c", 4) == "ab…"
    assert label("e\u0301" * 9, 3) == "e\u0301e\u0301…"


@given(st.text(min_size=1), st.integers(2, 30))
def test_a_label_is_one_safe_piece_of_its_width(word: str, most: int) -> None:
    shown = label(word, most)
    assert 0 < width(shown) <= most
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(character) for character in shown} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }


def test_only_what_runs_from_right_to_left_is_isolated() -> None:
    assert isolated("chat") == "chat" and isolated("日本") == "日本"
    assert isolated("חתול!") == "\u2068חתול!\u2069"
