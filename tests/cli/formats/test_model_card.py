"""The model card: YAML that programs read, and Markdown that no name breaks."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from nmt.cli.formats.model_card import CardScore, model_card, name_test_sets, read_scores
from nmt.errors import ConfigError, DataError

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


def test_files_of_one_name_are_told_apart_by_as_few_folders_as_do() -> None:
    corpora = [
        {"source": [f"/home/{name}/train.en"], "target": [f"/home/{name}/train.de"]} for name in ("me/a", "me/b")
    ]
    configuration = DESCRIPTION["configuration"]
    described = DESCRIPTION | {"configuration": configuration | {"data": configuration["data"] | {"train": corpora}}}
    _, text = parts(model_card(described, None, []))
    assert "| training | `a/train.en`, `a/train.de`; `b/train.en`, `b/train.de` |" in text


@pytest.mark.parametrize(("seconds", "told"), [(0.0, "1 minute."), (89, "1 minute."), (91, "2 minutes.")])
def test_the_time_of_training_is_told_in_minutes(seconds: float, told: str) -> None:
    training = DESCRIPTION["training"] | {"training_seconds": seconds}
    assert f"target tokens in {told}" in parts(model_card(DESCRIPTION | {"training": training}, None, []))[1]


def test_a_model_that_was_chosen_behind_a_tag_is_used_with_it() -> None:
    configuration = DESCRIPTION["configuration"]
    data = configuration["data"] | {"validation": [configuration["data"]["validation"] | {"tag": "<b't>"}]}
    vocabulary = DESCRIPTION["vocabulary"] | {"tags": ["<b't>"]}
    described = DESCRIPTION | {"configuration": configuration | {"data": data}, "vocabulary": vocabulary}
    _, text = parts(model_card(described, None, []))
    (command,) = [line for line in text.splitlines() if line.startswith("echo")]
    assert shlex.split(command)[-2:] == ["--tag", "<b't>"]
    assert """, translator.options(tag="<b't>"))[0].text)""" in text


def test_tags_are_shown_as_they_are_and_break_no_table() -> None:
    configuration, tags = DESCRIPTION["configuration"], ["<a|b`c>", r"<a\|b>"]
    corpora = [configuration["data"]["train"] | {"tag": tag} for tag in tags]
    described = DESCRIPTION | {
        "configuration": configuration | {"data": configuration["data"] | {"train": corpora}},
        "vocabulary": DESCRIPTION["vocabulary"] | {"tags": tags},
    }
    _, text = parts(model_card(described, None, []))
    assert r"by `--tag`: ``<a|b`c>``, `<a\|b>`." in text
    row = next(line for line in text.splitlines() if line.startswith("| training"))
    assert r"tag ``<a\|b`c>``" in row and r"tag `<a\\\|b>`" in row
    assert row.replace("\\\\", "").replace(r"\|", "").count("|") == 4


def test_what_it_was_made_from_is_told() -> None:
    origin = {"name": "before", "step": 3000, "sha256": "ab12"}
    averaged = [origin, {"name": "a`b", "step": None, "sha256": "`\n<script>"}]
    _, text = parts(model_card(DESCRIPTION | {"training": DESCRIPTION["training"] | {"averaged": averaged}}, None, []))
    expected = "the mean of those of 2 models: `before`, step 3,000 (SHA-256 ab12); ``a`b`` (SHA-256 ' ‹script›)."
    assert expected in text
    training = DESCRIPTION["training"] | {"initialized_from": origin}
    _, text = parts(model_card(DESCRIPTION | {"training": training}, None, []))
    assert "It went on from `before`, step 3,000 (SHA-256 ab12)." in text


def test_the_best_of_a_run_is_told_from_another_checkpoint() -> None:
    _, text = parts(model_card(DESCRIPTION, None, []))
    assert "the checkpoint of step 100" in text and "at step 90, had perplexity 7.25" in text
    assert "was chosen" not in text
    training = DESCRIPTION["training"] | {"step": 90}
    _, text = parts(model_card(DESCRIPTION | {"training": training}, None, []))
    assert "The checkpoint was chosen by the validation set: perplexity 7.25, at step 90." in text


@pytest.mark.parametrize(("kind", "has_attention"), [("dot", True), ("none", False)])
def test_a_model_without_attention_does_not_boast_of_it(kind: str, has_attention: bool) -> None:
    configuration = DESCRIPTION["configuration"] | {"model": {"attention": kind}}
    head, text = parts(model_card(DESCRIPTION | {"configuration": configuration}, None, []))
    assert ("attention" in head["tags"]) is has_attention
    assert ("without attention" in text) is not has_attention


def test_a_hostile_name_breaks_neither_the_yaml_nor_the_table() -> None:
    name = "a|b\n---\nlicense: `mit` <script> \\| ![x](http://x) \ud800"
    described = DESCRIPTION | {"name": name, "source_language": "<script>", "target_language": "a`|b"}
    head, text = parts(model_card(described, None, [SCORE._replace(test_set=name, signature=name)]))
    assert head["license"] == "unknown"
    assert head["model-index"][0]["name"] == "a|b --- license: `mit` <script> \\| ![x](http://x) \ufffd"
    row = next(line for line in text.splitlines() if "34.52" in line)
    assert "<script>" not in text.replace(row, "") and "![x]" not in text.replace(row, "")
    assert row.replace("\\\\", "").replace(r"\|", "").count("|") == 5
    assert text.encode()


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"bleu": 3},
        {"bleu": {"score": "3", "signature": ""}},
        {"bleu": {"score": math.nan, "signature": ""}},
        {"bleu": {"score": True, "signature": ""}},
        {"bleu": {"score": 10**400, "signature": ""}},
        {"chrf": {"score": 3}},
    ],
)
def test_what_is_no_result_of_eval_is_refused(document: object) -> None:
    with pytest.raises(DataError, match=r"x\.json"):
        read_scores(document, "x.json", "x")


def test_scores_are_those_of_the_test_set() -> None:
    document = {"bleu": {"score": 34, "signature": "s"}, "sentences": 3, "seconds": 1.0}
    assert read_scores(document, "results/newstest.json", "news") == [CardScore("news", "bleu", 34.0, "s")]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["results/newstest.json", "/b/other"], ["newstest", "other"]),
        (["d1/scores.json", "d2/scores.json", "mine.json"], ["d1/scores", "d2/scores", "mine"]),
        (["x/a/s.json", "y/a/s.json", "y/b/s.json"], ["x/a/s", "y/a/s", "b/s"]),
        (["s.json", "d/s.json"], ["s", "d/s"]),
    ],
)
def test_test_sets_are_named_by_files_and_by_folders_where_that_tells_them_apart(
    files: list[str], names: list[str]
) -> None:
    assert name_test_sets(list(map(Path, files))) == names


@pytest.mark.parametrize("again", ["d/s.json", "d/./s.json", "d/s.txt"])
def test_a_test_set_has_one_file(again: str) -> None:
    with pytest.raises(ConfigError, match="--scores: d/s"):
        name_test_sets([Path("d/s.json"), Path(again)])
