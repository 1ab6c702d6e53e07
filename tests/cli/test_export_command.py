"""Claims about `nmt export`: the model card beside the model."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from program import Call


def test_the_card_tells_the_size_and_the_scores(model: Path, call: Call, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("a b\nc\n")
    scored = call("eval", model, "--src", text, "--ref", text, "--format", "json")
    scores = tmp_path / "newstest.json"
    scores.write_bytes(scored.out)
    done = call("export", model, tmp_path / "mine", "--scores", scores, "--license", "mit")
    assert done.code == 0, done.err
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    pairs = json.loads(call("info", model, "--format", "json").out)["training"]["training_pairs"]
    assert head["license"] == "mit" and f"{pairs:,} sentence pairs" in card
    assert json.loads(scored.out)["bleu"]["signature"].replace("|", r"\|") in card


def test_a_card_may_be_edited_and_the_model_not(model: Path, call: Call, tmp_path: Path) -> None:
    assert call("export", model, tmp_path / "mine").code == 0
    (tmp_path / "mine" / "README.md").write_text("mine")
    (tmp_path / "mine" / "LICENSE").write_text("mine")
    assert call("info", tmp_path / "mine", "--verify").code == 0
    again = call("export", tmp_path / "mine", tmp_path / "again")
    assert again.code == 0 and "# tiny" in (tmp_path / "again" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "mine" / "config.yaml").write_text("mine")
    assert call("info", tmp_path / "mine", "--verify").code == 4


@pytest.mark.parametrize("licence", ["", "MIT License", "a\nb", "x" * 65])
def test_a_licence_is_an_identifier(licence: str, model: Path, call: Call, tmp_path: Path) -> None:
    done = call("export", model, tmp_path / "mine", "--license", licence)
    assert done.code == 2 and "--license" in done.err and not (tmp_path / "mine").exists()


def test_scores_of_two_files_of_one_name_are_told_apart(model: Path, call: Call, tmp_path: Path) -> None:
    folders = [tmp_path / "d1", tmp_path / "d2"]
    for score, folder in enumerate(folders, start=1):
        folder.mkdir()
        (folder / "scores.json").write_text(json.dumps({"bleu": {"score": score, "signature": "\ud800"}}))
    options = [word for folder in folders for word in ("--scores", folder / "scores.json")]
    done = call("export", model, tmp_path / "mine", *options)
    assert done.code == 0, done.err
    head = yaml.safe_load((tmp_path / "mine" / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    [index] = head["model-index"]
    told = {result["dataset"]["name"]: [one["value"] for one in result["metrics"]] for result in index["results"]}
    assert told == {"d1/scores": [1], "d2/scores": [2]}
    done = call("export", model, tmp_path / "again", *options, *options)
    assert done.code == 2 and "--scores" in done.err and not (tmp_path / "again").exists()


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems have no such names")
def test_a_file_of_scores_may_have_any_name(model: Path, call: Call, tmp_path: Path) -> None:
    scores = tmp_path / os.fsdecode(b"caf\xe9.json")
    scores.write_text('{"bleu": {"score": 1, "signature": "s"}}')
    done = call("export", model, tmp_path / "mine", "--scores", scores)
    assert done.code == 0, done.err
    assert "| caf\ufffd | BLEU | 1.00 | `s` |" in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"BLEU = 3", b"[" * 100_000, b'{"bleu": NaN}', b"\xff\x00"),
        b'{"bleu": {"score": 1%s, "signature": "x"}}' % (b"0" * 400),
        b'{"bleu": {"score": 1%s, "signature": "x"}}' % (b"0" * 9000),
        b'{"bleu": {"score": 1, "signature": {"\\ud800": "\\ud800"}}}',
        b'{"bleu": {"score": true, "signature": "x"}}',
    ],
    ids=lambda content: str(content[:60]),
)
def test_scores_are_those_of_eval(content: bytes, model: Path, call: Call, tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_bytes(content)
    done = call("export", model, tmp_path / "mine", "--scores", tmp_path / "scores.json")
    assert done.code == 65 and "scores.json" in done.err and not (tmp_path / "mine").exists()
    assert call("export", model, tmp_path / "mine", "--scores", tmp_path / "nowhere").code == 66
