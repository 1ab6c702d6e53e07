import math
import random
from collections import Counter

import pytest

from nmt.tokenization.subword_regularization import BpeDropout, UnigramSampling, Vocabulary, draw

SCORES = {"▁": -2.0, "a": -3.0, "b": -3.5, "▁a": -2.5, "ab": -4.0, "▁ab": -5.0}
SEGMENTATIONS = {
    ("▁", "a", "b"): -8.5,
    ("▁a", "b"): -6.0,
    ("▁", "ab"): -6.0,
    ("▁ab",): -5.0,
}


@pytest.mark.parametrize("alpha", [0.1, 0.5, 2.0])
def test_unigram_segmentations_are_drawn_by_their_probability(alpha):
    segmenter = UnigramSampling(SCORES, alpha)
    generator = random.Random(1)
    draws = 4000
    counts = Counter(tuple(segmenter("▁ab", generator)) for _ in range(draws))
    total = sum(math.exp(alpha * score) for score in SEGMENTATIONS.values())
    for pieces, score in SEGMENTATIONS.items():
        assert counts[pieces] / draws == pytest.approx(math.exp(alpha * score) / total, abs=0.03)


def test_an_unknown_character_is_a_piece_of_its_own():
    assert "".join(UnigramSampling(SCORES, 0.5)("▁xab", random.Random(1))) == "▁xab"
    assert UnigramSampling(SCORES, 0.5)("xy", random.Random(1)) == ["x", "y"]


def test_long_stretches_are_drawn_like_short_ones():
    pieces = UnigramSampling(SCORES, 0.5)("ab" * 100, random.Random(1))
    assert "".join(pieces) == "ab" * 100
    assert set(pieces) == {"a", "b", "ab"}


BPE_SCORES = {"▁": -9.0, "a": -9.0, "b": -9.0, "ab": -1.0, "▁a": -2.0, "▁ab": -3.0}


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_merges_are_dropped_with_their_probability(dropout):
    """By hand, of `▁ab`: "ab" comes before "▁a", and "▁ab" follows either with another draw."""
    kept = 1 - dropout
    expected = {
        ("▁ab",): kept * kept + dropout * kept * kept,
        ("▁", "ab"): kept * dropout,
        ("▁a", "b"): dropout * kept * dropout,
        ("▁", "a", "b"): dropout * dropout,
    }
    generator = random.Random(1)
    segmenter = BpeDropout(BPE_SCORES, dropout)
    counts = Counter(tuple(segmenter("▁ab", generator)) for _ in range(4000))
    for pieces, probability in expected.items():
        assert counts[pieces] / 4000 == pytest.approx(probability, abs=0.03)


def test_without_merges_the_characters_are_left():
    assert BpeDropout(BPE_SCORES, 1.0)("▁abab", random.Random(1)) == ["▁", "a", "b", "a", "b"]


def test_of_equal_merges_the_first_is_taken():
    assert BpeDropout({"ab": -1.0, "ba": -1.0}, 0.0)("abab", random.Random(1)) == ["ab", "ab"]


def test_unknown_pieces_become_bytes_or_one_unknown_id():
    ids = {"a": 5}
    assert Vocabulary(ids, {}, [], unk_id=1).ids_of(["a", "x", "é", "a", "y"]) == [5, 1, 5, 1]
    assert Vocabulary(ids, {}, range(1000, 1256), unk_id=1).ids_of(["a", "é"]) == [5, 1000 + 0xC3, 1000 + 0xA9]


def test_no_piece_spans_two_words():
    scores = {"a▁b": 0.0, "▁": -9.0, "▁▁": -9.0, "a": -9.0, "b": -9.0}
    vocabulary = Vocabulary({piece: number for number, piece in enumerate(scores)}, scores, [], unk_id=9)
    for segmenter in (UnigramSampling(scores, 1.0), BpeDropout(scores, 0.0)):
        assert 0 not in draw("a▁b▁▁", segmenter, vocabulary, random.Random(1))
