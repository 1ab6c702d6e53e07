"""Claims about `nmt.postprocessing.confidence` and `repetition`."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nmt.postprocessing.confidence import LEAST_ATTENTION, confidence
from nmt.postprocessing.repetition import repeated_letters, repeated_words
from nmt.translation.result import Output, SegmentAttention


def warnings(source: str, output: Output, missing: tuple[int, ...] = ()) -> list[tuple[object, ...]]:
    return [
        (warning.kind, warning.source_words or warning.target_words)
        for warning in confidence(source, output, missing).warnings
    ]


def looked(*rows: list[float]) -> Output:
    weights = np.array(rows, dtype=np.float32)
    segment = SegmentAttention(weights, tuple(range(weights.shape[1] - 1)), tuple(range(len(rows))), range(len(rows)))
    return Output(" ".join(f"w{place}" for place in range(len(rows))), -1, -1, ("w",) * len(rows), (segment,))


def test_the_probability_is_the_geometric_mean_over_tokens_and_end_mark() -> None:
    output = Output("x y", -0.7, math.log(0.5 * 0.8 * 0.9), ("x", "y"), None)
    assert confidence("a", output).probability == pytest.approx((0.5 * 0.8 * 0.9) ** (1 / 3))
    cut = Output("x y", -0.7, math.log(0.5 * 0.8), ("x", "y"), None, end_marks=0, is_cut=True)
    assert confidence("a", cut).probability == pytest.approx(0.4**0.5)
    assert warnings("a", cut) == [("cut", ())]
    assert confidence("a", Output("", 0.0, 0.0, (), None, end_marks=0)).probability == 1


def test_source_words_that_nothing_looked_at_are_flagged() -> None:
    few, more = LEAST_ATTENTION / 2, LEAST_ATTENTION
    assert warnings("a b c", looked([0.5, few / 2, 0.5, 0], [0.5, few / 2, 0.5, 0])) == [("unattended", (1,))]
    assert warnings("a b c", looked([0.5, more, 0.4, 0], [0.5, 0, 0.5, 0])) == []
    assert warnings("a . c", looked([0.5, 0, 0.5, 0], [0.5, 0, 0.5, 0])) == []


def test_a_source_word_that_drew_far_more_than_the_others_is_flagged() -> None:
    assert warnings("a b c d", looked(*[[0.85, 0.05, 0.05, 0.05, 0]] * 6)) == [("overattended", (0,))]
    assert warnings("a b c d", looked(*[[0.7, 0.1, 0.1, 0.1, 0]] * 6)) == []


def test_a_word_of_many_tokens_draws_as_much_as_they_do() -> None:
    weights = np.full((6, 9), 0.02, dtype=np.float32)
    weights[:, :6] = 0.15
    segment = SegmentAttention(weights, (0, 0, 0, 0, 0, 0, 1, 2), tuple(range(6)), range(6))
    assert warnings("abcdef b c", Output("u v w x y z", -1, -1, ("w",) * 6, (segment,))) == []


@pytest.mark.parametrize(
    ("source", "text", "repeated"),
    [
        ("a b", "non non", ()),
        ("a b", "x Non non non y", (1, 2, 3)),
        ("no no no", "non non non", ()),
        ("no no no", "non non non non", (0, 1, 2, 3)),
        ("a b", "le chat le chat dort", (0, 1, 2, 3)),
        ("a b", "le chat et le chat", ()),
        ("a b", ". . . . .", (0, 1, 2, 3, 4)),
        ("a b", "x hahahaha y", (1,)),
        ("hahahaha", "x hahahaha y", ()),
        ("a b", "nooooon banana 1000000", (0,)),
        ("a b", "我我我我 x", (0,)),
        ("a b", "--------- x", (0,)),
        ("a b", "------- aa aaa 12121212 x", ()),
        ("a b", "1a1a1a x-x- a_b_a_b_ a_b_a_b_a_b_", (0, 3)),
        ("a b", "", ()),
    ],
)
def test_what_is_repeated_more_often_than_in_the_source_is_flagged(
    source: str, text: str, repeated: tuple[int, ...]
) -> None:
    output = Output(text, -1, -1, ("x",), None)
    assert warnings(source, output) == ([("repetition", repeated)] if repeated else [])


def test_repetitions_are_counted() -> None:
    assert list(repeated_words(["a", "b", "a", "b", "a", "b", "c"])) == [(0, 5, 3)]
    assert (0, 3, 4) in list(repeated_words(["x"] * 4))
    assert list(repeated_letters("xx hahaha")) == [(3, 3)]
    assert list(repeated_letters("aaaaa aaa")) == [(0, 5)]


def test_what_could_not_be_copied_is_flagged_last() -> None:
    assert warnings("3 b", looked([0.5, 0.5, 0]), (0,)) == [("not_copied", (0,))]


def test_long_texts_take_time_in_proportion() -> None:
    words = ["ab" * 20] * 20_000
    assert sum(1 for _ in repeated_words(words)) == 10
    assert sum(1 for _ in repeated_letters(" ".join(words))) == 20_000 * 6  # of 2, 4, … 12 letters
    assert list(repeated_letters("0123456789abcdefg" * 50_000)) == []
