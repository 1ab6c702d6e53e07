"""Given pairs as text and JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nmt.alignment.links import pair_links
from nmt.alignment.symmetrization import symmetrize
from nmt.cli.formats import alignments, scored_pairs
from nmt.translation.forced_decoding import NO_SCORES, ForcedPair, ForcedScores

WEIGHTS = np.array([[0.2, 0.5, 0.2, 0.1], [0.1, 0.1, 0.7, 0.1], [0.3, 0.3, 0.3, 0.1]], np.float32)
PAIR = ForcedPair(
    "ab c",
    "x y",
    tokens=("▁x", "\u2028 y", "</s>"),
    scores=ForcedScores(np.array([-0.5, -1.25, -0.25], np.float32), WEIGHTS),
    source_tokens=("▁a", "b", "▁c"),
    source_words=(0, 0, 1),
    target_words=(0, 1),
)
BLANK = ForcedPair("", " ", (), NO_SCORES)
TOO_LARGE = ForcedPair("a", "b", ("▁b", "</s>"), None)


def test_a_score_is_a_number_and_its_tokens_stand_behind_it() -> None:
    assert scored_pairs.as_text(PAIR, None, per_token=False) == "-2.000000"
    assert scored_pairs.as_text(PAIR, 0.5, per_token=False) == f"{-2 / 3**0.5:.6f}"
    text = scored_pairs.as_text(PAIR, None, per_token=True)
    assert text == "-2.000000 ||| ▁x -0.500000 ▁▁y -1.250000 </s> -0.250000"
    assert scored_pairs.as_text(BLANK, 1.0, per_token=True) == "0.000000 ||| "
    assert scored_pairs.as_text(TOO_LARGE, 1.0, per_token=True) == ""


def test_json_has_both_numbers_and_all_tokens() -> None:
    line = scored_pairs.as_json(PAIR, 1.0)
    assert "\u2028" not in line
    value = json.loads(line)
    assert (value["source"], value["target"], value["log_probability"]) == ("ab c", "x y", -2)
    assert value["score"] == pytest.approx(-2 / 3)
    assert value["tokens"] == [
        {"token": "▁x", "log_probability": -0.5},
        {"token": "\u2028 y", "log_probability": -1.25},
        {"token": "</s>", "log_probability": -0.25},
    ]
    assert json.loads(scored_pairs.as_json(BLANK, 1.0))["score"] == 0
    value = json.loads(scored_pairs.as_json(TOO_LARGE, 1.0))
    assert value == {"source": "a", "target": "b", "score": None, "log_probability": None, "tokens": []}


def test_links_are_those_of_the_words_or_the_tokens() -> None:
    assert pair_links(PAIR, "word") == [(0, 0), (1, 1)]
    assert pair_links(PAIR, "token") == [(1, 0), (2, 1)]
    assert pair_links(BLANK, "word") == pair_links(TOO_LARGE, "word") == []


def test_a_pair_without_attention_has_no_links() -> None:
    without = ForcedPair("a", "b", ("▁b", "</s>"), ForcedScores(np.zeros(2, np.float32), None), ("▁a",), (0,), (0,))
    assert pair_links(without, "word") == pair_links(without, "token") == []
    assert json.loads(alignments.as_json(0, without, [], soft=True, unit="word"))["attention"]["weights"] == []


def test_the_other_direction_counts_its_words_the_other_way() -> None:
    turned = ForcedPair(
        "x y",
        "ab c",
        tokens=("▁ab", "▁c", "</s>"),
        scores=ForcedScores(np.zeros(3, np.float32), np.array([[0, 1, 0], [0, 1, 0], [0, 0, 1]], np.float32)),
        source_tokens=("▁x", "▁y"),
        source_words=(0, 1),
        target_words=(0, 1),
    )
    forward, backward = pair_links(PAIR, "word"), pair_links(turned, "word")
    assert symmetrize(forward, backward, "intersection") == [(1, 1)]
    assert symmetrize(forward, backward, "union") == [(0, 0), (0, 1), (1, 1)]


def test_alignment_as_json_names_its_fields_as_translate_does() -> None:
    hard = json.loads(alignments.as_json(0, PAIR, pair_links(PAIR, "word"), soft=False, unit="word"))
    assert hard == {"source": "ab c", "target": "x y", "alignment": [[0, 0], [1, 1]]}
    soft = json.loads(alignments.as_json(0, PAIR, pair_links(PAIR, "token"), soft=True, unit="token"))
    assert soft["source_tokens"] == ["▁a", "b", "▁c"] and soft["target_tokens"] == ["▁x", "\u2028 y"]
    np.testing.assert_allclose(
        soft["attention"]["weights"], [[0.7 / 0.9, 0.2 / 0.9], [0.2 / 0.9, 0.7 / 0.9]], atol=1e-6
    )
    np.testing.assert_allclose(soft["attention_tokens"]["weights"], WEIGHTS[:2], atol=1e-6)
