"""From attention over tokens to attention over words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nmt.cli.formats.translations
from nmt.alignment.words import hard_alignment, word_attention, words_of_parts
from nmt.cli.formats.translations import (
    alignment_of_tokens,
    alignment_of_words,
    as_json,
    as_moses,
    as_text,
    attention_of_parts,
    attention_of_tokens,
    attention_of_words,
)
from nmt.translation.result import Output, SegmentAttention, Translation
from nmt.translation.segments import cut_at_words


def rows_of(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def output(text: str, *parts: SegmentAttention, tokens: int) -> Output:
    return Output(text, -1.0, -2.0, tuple("t" * tokens), parts or None)


def test_columns_are_added_and_rows_averaged() -> None:
    weights = np.array([[0.1, 0.3, 0.6, 0.0], [0.2, 0.2, 0.1, 0.5], [0.0, 0.0, 0.5, 0.5]])
    found = word_attention(weights, [0, 0, 1], [0, 0, 1], (2, 2))
    # The end mark's column goes, and the second row is scaled by two: (0.4, 0.6) and (0.8, 0.2) in the mean.
    np.testing.assert_allclose(found, [[0.6, 0.4], [0.0, 1.0]])


def test_a_token_of_no_word_counts_nowhere() -> None:
    weights = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    np.testing.assert_allclose(word_attention(weights, [0, 1], [-1, 0], (1, 2)), [[0.2, 0.8]])
    assert word_attention(weights, [0, 1], [-1, -1], (0, 2)).shape == (0, 2)


def test_a_word_that_saw_only_the_end_mark_looks_evenly() -> None:
    np.testing.assert_allclose(word_attention(np.array([[0.0, 0.0, 1.0]]), [0, 1], [0], (1, 2)), [[0.5, 0.5]])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_rows_sum_to_one(data: st.DataObject) -> None:
    source = sorted(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=6)))
    target = sorted(data.draw(st.lists(st.integers(-1, 4), min_size=1, max_size=6)))
    numbers = st.floats(0, 1, width=32)
    weights = np.array([[data.draw(numbers) for _ in range(len(source) + 1)] for _ in target])
    found = word_attention(weights, source, target, (5, 5))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert [word for _, word in sorted(hard_alignment(found), key=lambda link: link[1])] == list(range(5))


PARTS = (
    SegmentAttention(rows_of([0.5, 0.3, 0.2], [0.1, 0.7, 0.2]), (0, 1), (0, 1), range(2)),
    SegmentAttention(rows_of([0.8, 0.2]), (2,), (-1,), range(2, 2)),
    SegmentAttention(rows_of([0.1, 0.6, 0.3], [0.1, 0.6, 0.3]), (3, 4), (2, 2), range(2, 3)),
)


def test_parts_of_a_line_look_at_themselves_alone() -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    [best] = translation.outputs
    words = np.array(list(attention_of_words(translation, best)))
    np.testing.assert_allclose(
        words, [[0.625, 0.375, 0, 0, 0], [0.125, 0.875, 0, 0, 0], [0, 0, 0, 1 / 7, 6 / 7]], atol=1e-6
    )
    assert alignment_of_words(best) == hard_alignment(words) == [(0, 0), (1, 1), (4, 2)]
    whole = best.attention
    assert whole is not None and whole.shape == (5, 6)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    np.testing.assert_allclose(whole[2], [0, 0, 0.8, 0, 0, 0.2])
    np.testing.assert_array_equal(np.array(list(attention_of_tokens(best))), whole)


def test_tokens_are_counted_in_the_whole_line() -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    assert alignment_of_tokens(translation.outputs[0]) == [(0, 0), (1, 1), (2, 2), (4, 3), (4, 4)]
    links = "0-0 1-1 2-2 4-3 4-4"
    assert as_text(0, translation, 1, "hard", "token") == [f"x y z ||| {links}"]
    assert as_moses(0, translation, 1, "hard", "token") == [f"0 ||| x y z ||| -1.000000 ||| {links}"]
    value = json.loads(as_json(0, translation, 1, "hard", "token")[0])
    assert " ".join(f"{source}-{target}" for source, target in value["alignment"]) == links
    assert value["source_tokens"] == list("abcde")


def test_each_part_of_a_line_is_told_alone() -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    [first, last] = attention_of_parts(translation, translation.outputs[0])
    assert (first[0], first[1]) == (["a", "b"], ["x", "y"])
    np.testing.assert_allclose(first[2], [[0.625, 0.375], [0.125, 0.875]], atol=1e-6)
    assert (last[0], last[1]) == (["d", "e"], ["z"])
    assert last[2].shape == (1, 2)


def test_every_word_is_shown_with_a_part() -> None:
    assert words_of_parts([], 3) == []
    assert words_of_parts([[1, 1, 2], [4]], 6) == [range(4), range(4, 6)]
    assert words_of_parts([[0, 1], [1, 2]], 3) == [range(2), range(1, 3)]  # cut within a word


def test_words_without_a_token_are_shown_where_they_stand() -> None:
    parts = (
        SegmentAttention(rows_of([0.25, 0.75, 0.0]), (1, 2), (0,), range(1)),
        SegmentAttention(rows_of([0.5, 0.5]), (4,), (1,), range(1, 2)),
    )
    translation = Translation("\ufffd a b \ufffd c \ufffd", (output("x y", *parts, tokens=2),), tuple("abc"))
    [first, last] = attention_of_parts(translation, translation.outputs[0])
    assert (first[:2], last[:2]) == ((["\ufffd", "a", "b", "\ufffd"], ["x"]), (["c", "\ufffd"], ["y"]))
    np.testing.assert_allclose(first[2], [[0, 0.25, 0.75, 0]])
    np.testing.assert_allclose(last[2], [[1, 0]])


def test_soft_alignment_is_written_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    translation = Translation("a b c d \u2028e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    best = translation.outputs[0]
    whole = best.attention
    assert whole is not None
    monkeypatch.setattr(Output, "attention", property(lambda _: pytest.fail("the whole matrix was built")))
    [line] = as_json(0, translation, 1, "soft")
    value = json.loads(line)
    assert list(value) == [
        *("source", "translation", "score", "hypotheses", "alignment", "attention", "attention_tokens")
    ]
    np.testing.assert_allclose(value["attention_tokens"]["weights"], whole, atol=1e-8)
    np.testing.assert_allclose(value["attention"]["weights"], list(attention_of_words(translation, best)), atol=1e-8)
    assert json.dumps(value, ensure_ascii=False).replace("\u2028", r"\u2028") == line


def test_attention_too_large_to_be_written_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    told: list[str] = []
    monkeypatch.setattr(
        nmt.cli.formats.translations.logger, "warning", lambda text, *values: told.append(text % values)
    )
    monkeypatch.setattr(nmt.cli.formats.translations, "MOST_WEIGHTS", 30)
    as_json(6, translation, 1, "soft")
    assert not told
    monkeypatch.setattr(nmt.cli.formats.translations, "MOST_WEIGHTS", 29)
    [line] = as_json(6, translation, 1, "soft")
    value = json.loads(line)
    assert value["attention"]["weights"] is value["attention_tokens"]["weights"] is None
    assert value["attention_tokens"]["source_tokens"] == [*"abcde", "</s>"]
    assert value["alignment"] == [[0, 0], [1, 1], [4, 2]]
    assert told == ["line 7: the attention of 5 tokens over 6 is left out: more than 29 weights"]
    as_json(6, translation, 1, "hard")
    assert len(told) == 1


def test_formats_pad_what_is_missing() -> None:
    blank = Translation(" ", ())
    assert as_moses(3, blank, 2, "none") == ["3 |||  ||| 0.000000"] * 2
    assert as_text(3, blank, 1, "hard") == [" ||| "]
    one = Translation("a", (output("x", tokens=1),))
    assert as_moses(0, one, 2, "none") == ["0 ||| x ||| -1.000000"] * 2


def test_json_keeps_line_breaks_of_the_source_inside_its_line() -> None:
    [line] = as_json(0, Translation("a\u2028b\x85c\u2029\x0b", ()), 1, "none")
    assert r"a\u2028b\u0085c\u2029\u000b" in line


@pytest.mark.parametrize(
    ("words", "longest", "cuts"),
    [
        ([0, 0, 1, 1, 2], 3, [(0, 2), (2, 5)]),
        ([0, 0, 0, 0, 1], 3, [(0, 3), (3, 5)]),
        ([0, 1, 2], 3, [(0, 3)]),
        ([], 3, []),
    ],
)
def test_lines_are_cut_where_words_end(words: list[int], longest: int, cuts: list[tuple[int, int]]) -> None:
    assert cut_at_words(words, longest) == cuts
