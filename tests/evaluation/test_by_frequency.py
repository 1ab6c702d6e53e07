"""Words are counted by their frequency, and only those that are the reference's are right."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from nmt.evaluation.by_frequency import count_words, distinct_words, scores_by_frequency
from nmt.evaluation.metrics import split_words

LINES = st.lists(st.text("abc ", max_size=12), min_size=1, max_size=6)


def test_a_small_example_by_hand():
    a, b = ["the cat cat", "a dog"], ["the the the", ""]
    reference = ["the cat", "the dog"]
    frequencies = Counter({"the": 12, "cat": 1, "dog": 3})
    bins = scores_by_frequency(a, b, reference, tokenize=str.split, frequencies=frequencies)
    assert [(one.low, one.high, one.words) for one in bins] == [(0, 0, 0), (1, 1, 1), (3, 4, 1), (10, 99, 2)]
    unknown, cat, dog, the = bins
    assert unknown.a == (1, 0, 0.0, None, None) and unknown.b == (0, 0, None, None, None)
    assert cat.a == (2, 1, 0.5, 1.0, 2 / 3) and cat.b == (0, 0, None, 0.0, 0.0)
    assert dog.a == (1, 1, 1.0, 1.0, 1.0)
    assert the.a == (1, 1, 1.0, 0.5, 2 / 3) and the.b == (3, 1, 1 / 3, 0.5, 0.4)


@given(LINES)
def test_a_perfect_translation_has_every_word(reference):
    counts = count_words(reference, str.split, distinct_words(reference, tokenize=str.split))
    bins = scores_by_frequency(reference, reference, reference, tokenize=str.split, frequencies=counts)
    assert sum(one.words for one in bins) == sum(len(line.split()) for line in reference)
    assert all(one.a.f1 == one.b.f1 == 1 and one.low > 0 for one in bins)


def test_words_nobody_asked_about_are_not_held():
    assert count_words(["x y y", "z z"], str.split, {"y", "w"}) == {"y": 2}


def test_words_are_those_of_bleu():
    assert split_words("13a", lowercase=False)("Il a dit: oui.  ") == ["Il", "a", "dit", ":", "oui", "."]
    assert split_words("none", lowercase=True)("Il a dit.") == ["il", "a", "dit."]
    assert split_words("zh", lowercase=False)("你好 吗") == ["你", "好", "吗"]
