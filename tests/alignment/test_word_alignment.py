"""From attention over tokens to attention over words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.alignment.attention_matrix import attention_matrices, token_attention_rows, word_attention_rows
from nmt.alignment.links import hard_alignment, token_links, word_links
from nmt.alignment.word_attention import word_attention, words_by_segment
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
    words = np.array(list(word_attention_rows(translation, best)))
    np.testing.assert_allclose(
        words, [[0.625, 0.375, 0, 0, 0], [0.125, 0.875, 0, 0, 0], [0, 0, 0, 1 / 7, 6 / 7]], atol=1e-6
    )
    assert word_links(best) == hard_alignment(words) == [(0, 0), (1, 1), (4, 2)]
    whole = best.attention
    assert whole is not None and whole.shape == (5, 6)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    np.testing.assert_allclose(whole[2], [0, 0, 0.8, 0, 0, 0.2])
    np.testing.assert_array_equal(np.array(list(token_attention_rows(best))), whole)


def test_tokens_are_counted_in_the_whole_line() -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    assert token_links(translation.outputs[0]) == [(0, 0), (1, 1), (2, 2), (4, 3), (4, 4)]


def test_each_part_of_a_line_is_told_alone() -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    [first, last] = attention_matrices(translation, translation.outputs[0], "word")
    assert (first[0], first[1]) == (["a", "b"], ["x", "y"])
    np.testing.assert_allclose(first[2], [[0.625, 0.375], [0.125, 0.875]], atol=1e-6)
    assert (last[0], last[1]) == (["d", "e"], ["z"])
    assert last[2].shape == (1, 2)


def test_every_word_is_shown_with_a_part() -> None:
    assert words_by_segment([], 3) == []
    assert words_by_segment([[1, 1, 2], [4]], 6) == [range(4), range(4, 6)]
    assert words_by_segment([[0, 1], [1, 2]], 3) == [range(2), range(1, 3)]  # cut within a word


def test_words_without_a_token_are_shown_where_they_stand() -> None:
    parts = (
        SegmentAttention(rows_of([0.25, 0.75, 0.0]), (1, 2), (0,), range(1)),
        SegmentAttention(rows_of([0.5, 0.5]), (4,), (1,), range(1, 2)),
    )
    translation = Translation("\ufffd a b \ufffd c \ufffd", (output("x y", *parts, tokens=2),), tuple("abc"))
    [first, last] = attention_matrices(translation, translation.outputs[0], "word")
    assert (first[:2], last[:2]) == ((["\ufffd", "a", "b", "\ufffd"], ["x"]), (["c", "\ufffd"], ["y"]))
    np.testing.assert_allclose(first[2], [[0, 0.25, 0.75, 0]])
    np.testing.assert_allclose(last[2], [[1, 0]])


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
