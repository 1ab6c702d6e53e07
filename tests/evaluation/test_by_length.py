"""Every sentence is in one bin of its length, and a bin's score is that of its sentences."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.evaluation.by_length import MAX_BINS, length_bins, scores_by_length
from nmt.evaluation.metrics import build_metric, evaluate, stripped


@given(st.lists(st.integers(0, 80) | st.integers(0, 100_000), min_size=1, max_size=300))
def test_every_sentence_is_in_one_bin(lengths):
    bins = length_bins(lengths)
    assert 1 <= len(bins) <= MAX_BINS
    assert all(low <= high for low, high in bins)
    assert all(first[1] + 1 == second[0] for first, second in pairwise(bins))
    assert bins[0][0] <= min(lengths) and bins[-1][1] == max(lengths)
    held = [sum(low <= length <= high for length in lengths) for low, high in bins]
    assert sum(held) == len(lengths) and min(held) >= max(1, len(lengths) // 50)


def test_bins_are_round_and_outliers_do_not_widen_them():
    lengths = [length for length in range(1, 51) for _ in range(20)]
    expected = [(low, low + 4) for low in range(1, 47, 5)]
    assert length_bins(lengths) == expected
    assert length_bins([*lengths, 900]) == [*expected[:-1], (46, 900)]
    assert length_bins([0, 0]) == [(0, 0)]
    assert length_bins([7]) == [(1, 7)]


def test_a_bin_has_the_score_of_its_sentences(texts):
    a, b, reference = (stripped(texts[name]) for name in ("a", "b", "first"))
    lengths = [len(line.split()) for line in reference]
    bins = scores_by_length(
        lengths, a, b, [reference], metric=build_metric("bleu", "13a", lowercase=False), bootstrap=20
    )
    assert len(bins) > 3 and sum(one.sentences for one in bins) == len(lengths)
    for one in bins:
        places = [place for place, length in enumerate(lengths) if one.low <= length <= one.high]
        assert one.sentences == len(places)
        assert one.mean == pytest.approx(sum(lengths[place] for place in places) / len(places))
        for score, lines in ((one.a, a), (one.b, b)):
            some = [lines[place] for place in places]
            expected = evaluate(some, [[reference[place] for place in places]], metrics=["bleu"], bootstrap=20)["bleu"]
            assert score.score == pytest.approx(expected.score)
            assert score.bootstrap == (expected.bootstrap if len(places) > 1 else None)


def test_a_single_sentence_has_no_interval():
    metric = build_metric("bleu", "13a", lowercase=False)
    lines = ["a b c d e", "a b c d f", *["a b c d e f g"] * 2]
    one, two = scores_by_length([1, 9, 9, 9], lines, lines, [lines[::-1]], metric=metric, bootstrap=20)
    assert (one.sentences, one.a.bootstrap, one.b.bootstrap) == (1, None, None)
    assert two.sentences == 3 and two.a.bootstrap is not None and two.b.bootstrap is not None
