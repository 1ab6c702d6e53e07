"""Which cues are one sentence, and what of a cue stays."""

from __future__ import annotations

import pytest

from made_up_translations import capitals
from nmt.documents.subtitles import SubtitleDocument
from nmt.translation.result import Output, Translation


def film(*cues: tuple[float, float, str], kind: str = "srt", warnings: list[str] | None = None) -> SubtitleDocument:
    blocks = [f"{number}\n{_time(a)} --> {_time(b)}\n{text}\n" for number, (a, b, text) in enumerate(cues, 1)]
    text = ("WEBVTT\n\n" if kind == "vtt" else "") + "\n".join(blocks)
    return SubtitleDocument(text, "film", (lambda _: None) if warnings is None else warnings.append, kind=kind)


def _time(seconds: float) -> str:
    return f"00:00:{int(seconds):02},{round(seconds % 1 * 1000):03}"


@pytest.mark.parametrize(
    ("first", "pause", "second", "are_one"),
    [
        ("The cat and", 0.1, "Tom sleep", True),
        ("The cat and", 0.5, "the dog sleep", True),
        ("Chapter two", 0.5, "The cat sleeps", False),
        ("<i>The cat and</i>", 0.1, "<i>the dog sleep</i>", True),
        ("<i>The cat and</i>", 0.1, "the dog sleep", False),
        ("{\\an8}A sign and", 0.1, "the dog sleep", False),
        ("The <b>cat</b> and", 0.1, "the dog sleep", True),
        ("The cat and", 0.1, "TOM: the dog sleep", False),
        ("The cat and", 0.1, "- the dog sleep", False),
    ],
)
def test_cues_are_joined_that_may_be_one_sentence(first: str, pause: float, second: str, are_one: bool) -> None:
    assert len(film((1, 2, first), (2 + pause, 4, second)).lines) == (1 if are_one else 2)


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_a_speaker_in_capitals_stays_and_begins_a_sentence(kind: str) -> None:
    text = "MARY: Where is\nhe?\n<i>DR. O'NEIL 2: Gone.</i>\nI said: no."
    found = film((1, 2, text), kind=kind)
    assert found.lines == ["Where is he?", "Gone. I said: no."]
    assert film((1, 2, "10:30 At Night: dark")).lines == ["10:30 At Night: dark"]
    written = found.written(capitals(found.lines))
    assert "MARY: WHERE IS HE?\n<i>DR. O'NEIL 2: GONE." in written


def test_a_pair_of_tags_holds_a_word_where_there_is_one_for_it() -> None:
    found = film((1, 2, "a <i>b</i> c <b>d</b>."))
    translation = Translation(found.lines[0], (Output("x y.", 0.0, 0.0, (), None),))
    written = found.written([translation])
    assert "<i></i>" not in written and "<b></b>" not in written and written.count("</") == 2


def test_a_cue_without_a_word_for_each_pair_of_tags_is_left_and_told() -> None:
    warnings: list[str] = []
    found = film((1, 2, "a <i>b</i> c <b>d</b> e"), warnings=warnings)
    written = found.written([Translation(found.lines[0], (Output("x", 0.0, 0.0, (), None),))])
    assert "a <i>b</i> c <b>d</b> e" in written
    assert warnings == ["film:3: left as it was: the translation has no word for a pair of tags"]


def test_a_position_stays_at_the_beginning() -> None:
    for text in ("{\\an8}- The <i>cat</i>", "{\\an8}<i>The cat</i>", "<i>{\\an8}The cat</i>", "{\\an8}TOM: The cat"):
        found = film((1, 2, text))
        assert "\n{\\an8}" in found.written(capitals(found.lines))
