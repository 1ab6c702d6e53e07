"""The sentences that differ most are found, on both sides."""

from __future__ import annotations

import pytest

from nmt.evaluation.examples import largest_differences
from nmt.evaluation.metrics import build_metric, evaluate, stripped

CHRF = build_metric("chrf", "13a", lowercase=False)


def test_the_largest_differences_come_first_on_each_side(texts):
    a, b, first, second = (stripped(texts[name]) for name in ("a", "b", "first", "second"))
    every = largest_differences(a, b, [first, second], texts["source"], chrf=CHRF, count=100)
    every_a, every_b = ([one for one in every if sign * one.difference > 0] for sign in (-1, 1))
    shown = largest_differences(a, b, [first, second], texts["source"], chrf=CHRF, count=3)
    assert every == [*every_a, *every_b] and shown == [*every_a[:3], *every_b[:3]]
    assert [one.difference for one in every_a] == sorted(one.difference for one in every_a)
    assert [-one.difference for one in every_b] == sorted(-one.difference for one in every_b)
    for one in shown:
        place = one.line - 1
        assert (one.source, one.references) == (texts["source"][place], (first[place], second[place]))
        for text, line, score in ((one.a, a[place], one.score_a), (one.b, b[place], one.score_b)):
            expected = evaluate([line], [[first[place]], [second[place]]], metrics=["chrf"])["chrf"].score
            assert text == line and score == pytest.approx(expected, abs=1e-9)


def test_sentences_that_score_the_same_are_not_found():
    assert largest_differences(["x", "ab"], ["x", "ba"], [["x", "cc"]], None, chrf=CHRF, count=5) == []
