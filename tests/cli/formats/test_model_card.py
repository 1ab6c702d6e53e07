"""The model card: YAML that programs read, and Markdown that no name breaks."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml

from nmt.cli.formats.model_card import CardScore, model_card, read_scores
from nmt.errors import DataError

DESCRIPTION: dict[str, Any] = {
    "name": "mine",
    "source_language": "en",
    "target_language": "de",
    "parameters": 1234567,
    "vocabulary": {"source": 4000, "target": 4000, "shared": True},
    "training": {
        "best_score": -7.25,
        "best_step": 90,
        "metric": "perplexity",
        "step": 100,
        "training_seconds": 600.0,
        "training_pairs": 165856,
    },
    "configuration": {
        "model": {"attention": "additive"},
        "data": {
            "train": {"source": ["/home/me/secret/train.en"], "target": ["train.de"]},
            "validation": {"source": ["v.en"], "target": ["v.de"]},
            "test": None,
            "max_length": 50,
        },
        "training": {"batch_tokens": 1024},
    },
}
SCORE = CardScore("test", "bleu", 34.5213, "nrefs:1|tok:13a")


def parts(card: str) -> tuple[dict[str, Any], str]:
    empty, head, text = card.split("---\n", 2)
    assert not empty
    return yaml.safe_load(head), text


def test_programs_find_languages_licence_and_scores() -> None:
    head, _ = parts(model_card(DESCRIPTION, "cc-by-2.0", [SCORE, SCORE._replace(metric="chrf", score=50)]))
    assert (head["language"], head["license"], head["pipeline_tag"]) == (["en", "de"], "cc-by-2.0", "translation")
    (result,) = head["model-index"][0]["results"]
    assert [(one["type"], one["value"]) for one in result["metrics"]] == [("bleu", 34.52), ("chrf", 50)]
    assert parts(model_card(DESCRIPTION, None, []))[0]["license"] == "unknown"


def test_readers_find_sizes_and_signatures_and_no_folder_of_somebodys_own() -> None:
    _, text = parts(model_card(DESCRIPTION, None, [SCORE]))
    assert "# mine: English to German" in text and "165,856 sentence pairs" in text and "perplexity 7.25" in text
    assert r"| test | BLEU | 34.52 | `nrefs:1\|tok:13a` |" in text
    assert "`train.en`" in text and "secret" not in text
    assert "No licence is stated." in text


def test_several_corpora_with_their_tags_and_weights_are_told() -> None:
    corpora = [
        {"source": ["a/real.en"], "target": ["a/real.de"], "pairs": None, "tag": None, "weight": 1.0},
        {"source": None, "target": None, "pairs": ["b/back.tsv"], "tag": "<bt>", "weight": 0.5},
    ]
    configuration = DESCRIPTION["configuration"]
    data = configuration["data"] | {"train": corpora}
    vocabulary = DESCRIPTION["vocabulary"] | {"tags": ["<bt>"]}
    described = DESCRIPTION | {"configuration": configuration | {"data": data}, "vocabulary": vocabulary}
    _, text = parts(model_card(described, None, []))
    assert "| training | `real.en`, `real.de`; `back.tsv` (tag `<bt>`, weight 0.5) |" in text
    assert "by `--tag`: `<bt>`." in text and "--tag" not in parts(model_card(DESCRIPTION, None, []))[1]


def test_what_it_was_made_from_is_told() -> None:
    origin = {"name": "before", "step": 3, "sha256": "ab12"}
    training = DESCRIPTION["training"] | {"initialized_from": origin, "averaged": [origin, origin]}
    _, text = parts(model_card(DESCRIPTION | {"training": training}, None, []))
    assert "It went on from `before` (SHA-256 ab12)." in text and "the mean of those of 2 models" in text


def test_a_hostile_name_breaks_neither_the_yaml_nor_the_table() -> None:
    name = "a|b\n---\nlicense: `mit` <script>"
    head, text = parts(model_card(DESCRIPTION | {"name": name}, None, [SCORE._replace(test_set=name)]))
    assert head["license"] == "unknown" and head["model-index"][0]["name"] == "a|b --- license: `mit` <script>"
    assert "<script>" not in text
    row = next(line for line in text.splitlines() if "34.52" in line)
    assert row.replace(r"\|", "").count("|") == 5


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"bleu": 3},
        {"bleu": {"score": "3", "signature": ""}},
        {"bleu": {"score": math.nan, "signature": ""}},
        {"chrf": {"score": 3}},
    ],
)
def test_what_is_no_result_of_eval_is_refused(document: object) -> None:
    with pytest.raises(DataError, match=r"x\.json"):
        read_scores(document, "x.json")


def test_scores_are_named_by_their_file() -> None:
    document = {"bleu": {"score": 34, "signature": "s"}, "sentences": 3, "seconds": 1.0}
    assert read_scores(document, "results/newstest.json") == [CardScore("newstest", "bleu", 34.0, "s")]
