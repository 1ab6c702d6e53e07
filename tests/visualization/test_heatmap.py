"""Attention drawn as text."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nmt.visualization.heatmap
from contrast import BLACK, WHITE, Colour, contrast, luminance
from nmt.io.terminal import label, width
from nmt.visualization.heatmap import heatmap

ARABIC, HEBREW = "القطة", "חתול"


def identity(size: int) -> np.ndarray:
    return np.eye(size)


def first_columns(lines: list[str]) -> set[int]:
    """The columns in which the cells of rows begin that are all full."""
    return {width(line.partition("█")[0]) for line in lines if "█" in line}


def test_stems_lead_from_words_to_their_columns() -> None:
    lines = heatmap(["ab", "日"], ["x", "long"], np.array([[1.0, 0.0], [0.3, 0.7]]))
    assert lines == ["     ╭ ab", "     │ ╭ 日", "   x ██", "long ░░▓▓"]


@pytest.mark.parametrize(
    "word",
    [
        "chat",
        "猫が",
        "고양이",
        "\u1112\u1161\u11ab",
        "e\u0301te\u0301",
        "👩‍💻",
        "❤️‍🔥",
        "🇫🇷",
        "👍🏽",
        ARABIC,
        HEBREW,
        "a\u200b\u00adb",
        "\x1b[2J\x07",
    ],
)
def test_cells_stand_in_one_column_in_any_script(word: str) -> None:
    lines = heatmap(["a"], ["x", word, "four"], np.ones((3, 1)))
    assert first_columns(lines) == {max(width(label(word, 40)), 4) + 1}
    assert lines[0] == " " * (max(width(label(word, 40)), 4) + 1) + "╭ a"


def test_words_from_right_to_left_move_nothing_around_them() -> None:
    lines = heatmap([ARABIC, "b"], [HEBREW, "y"], identity(2))
    assert lines == [f"     ╭ \u2068{ARABIC}\u2069", "     │ ╭ b", f"\u2068{HEBREW}\u2069 ██", "   y   ██"]


def test_nothing_a_terminal_obeys_comes_through() -> None:
    hostile = "".join(map(chr, [*range(1, 32), *range(127, 160), 0x202E, 0x2066, 0x200F, 0x061C, 0xFEFF, 0xE0041]))
    for color in (False, True):
        text = "".join(heatmap([hostile, "a"], [hostile + "x", "y"], identity(2), color=color, background=0.0))
        text = re.sub("\x1b\\[(48;5;[0-9]+m|0m|[0-9]+G)", "", text)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066\u2067\ufeff\u061c\U000e0041]", text)


def test_colour_begins_cells_in_their_column_whatever_the_label_takes() -> None:
    plain, emoji = heatmap(["a"], ["plain", "👩‍💻"], np.array([[1.0], [0.5]]), color=True, background=0.0)[1:]
    assert plain == "plain \x1b[48;5;231m  \x1b[0m"
    assert emoji == "   👩‍💻\x1b[6G \x1b[48;5;244m  \x1b[0m"


def test_a_heatmap_too_wide_is_drawn_in_bands() -> None:
    words = [f"{number:02}" for number in range(20)]
    weights = identity(20)[[0, 9, 19]]
    lines = heatmap(words, ["x", "yy", "z"], weights, columns=19)
    assert max(map(width, lines)) <= 19
    bands = "\n".join(lines).split("\n\n")
    assert [re.findall("[0-9]+", band) for band in bands] == [words[:7], words[7:14], words[14:]]
    assert bands[1].splitlines()[-3:] == [" x", "yy     ██", " z"]
    assert bands[2].splitlines()[-1] == " z           ██"
    assert len(heatmap(words, ["x", "yy", "z"], weights, columns=45)) == 23


@pytest.mark.parametrize("columns", [30, 40, 80])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    words = ["Donaudampfschifffahrtsgesellschaft", "日本語" * 20, "a", "internationalisation"] * 10
    lines = heatmap(words, words, np.full((40, 40), 1 / 40), columns=columns)
    assert max(map(width, lines)) <= columns


def test_the_narrowest_terminal_has_a_picture() -> None:
    lines = heatmap(["word"] * 9, ["x"], np.full((1, 9), 1.0), columns=1)
    assert [line.count("█") for line in lines if "x" in line] == [8, 8, 2]


def test_long_words_are_shortened_in_a_heatmap() -> None:
    lines = heatmap(["a" * 1000, "b"], ["c" * 1000], np.array([[0.5, 0.5]]))
    assert lines == [" " * 41 + "╭ " + "a" * 39 + "…", " " * 41 + "│ ╭ b", "c" * 39 + "… ▒▒▒▒"]


def test_a_large_heatmap_takes_time_in_proportion_to_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def count(word: str, most: int) -> str:
        nonlocal calls
        calls += 1
        return label(word, most)

    monkeypatch.setattr(nmt.visualization.heatmap, "label", count)
    heatmap(["word"] * 200, ["wort"] * 10, np.full((10, 200), 1 / 200), columns=80)
    assert calls <= 500


BACKGROUNDS = {
    "black": BLACK,
    "white": WHITE,
    "grey": (128, 128, 128),
    "the middle": (118, 118, 118),
    "just above the middle": (119, 119, 119),
    "light grey": (192, 192, 192),
    "solarized dark": (0, 43, 54),
    "solarized light": (253, 246, 227),
    "dracula": (40, 42, 54),
    "Ubuntu": (48, 10, 36),
    "blue": (0, 0, 255),
    "green": (0, 255, 0),
}


def drawn_colours(lines: list[str], background: Colour) -> list[Colour]:
    """The colour of the first column of each row with a label of one letter, on 256 colours."""
    found: list[Colour] = []
    for line in lines:
        number = re.match("[a-z](?: \x1b\\[48;5;([0-9]+)m)?", line)
        if number is not None:
            grey = {None: None, "16": 0, "231": 255}.get(number[1], 8 + 10 * (int(number[1] or 0) - 232))
            found.append(background if grey is None else (grey,) * 3)
    return found


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_more_attention_stands_out_more_on_any_background(name: str) -> None:
    background = BACKGROUNDS[name]
    weights = np.array([0, 0.002, 0.01, *np.linspace(0.125, 1, 8)])[:, None]
    lines = heatmap(["a"], list("abcdefghijk"), weights, color=True, background=luminance(background))[1:]
    contrasts = [contrast(background, colour) for colour in drawn_colours(lines, background)]
    assert contrasts[:3] == [1, 1, 1]
    assert contrasts == sorted(contrasts) and contrasts[3] > 1.05
    assert contrasts[-1] >= 4.5


def test_on_an_unknown_background_blocks_have_the_colour_of_text() -> None:
    lines = heatmap(["ab", "é"], ["x", "é"], np.array([[1.0, 0.0], [0.3, 0.7]]), color=True)
    assert lines[2:] == ["x ██", "é\x1b[2G ░░▓▓"]
