"""A training goes on where it stopped: on the same texts wherever they lie, by the same score, and on no others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nmt.training.trainer
from nmt.checkpoint.checkpoint import CheckpointContents, load_checkpoint
from nmt.checkpoint.describe import describe_model
from nmt.checkpoint.layout import CONFIG
from nmt.config import Config, from_yaml
from nmt.errors import ConfigError, DataError, ModelError
from nmt.training.pipeline import train
from nmt.translation.translator import Translator

ADDED_TO_THE_STATE = ("best_perplexity", "validation", "metric", "validation_tokenize")
ADDED_KEYS = ("target_normalization", "validation_tokenize")


@pytest.fixture
def own(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a corpus in `data`, in which the test works."""
    shutil.copytree(data, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def configured(make_configuration: Callable[..., str]) -> Callable[..., Config]:
    def make(folder: str | Path = "data", **changes: dict[str, Any]) -> Config:
        values = from_yaml(make_configuration(folder), "c").model_dump()
        for section, keys in {"training": {"max_steps": 2, "validate_every": 1}, **changes}.items():
            values[section] |= keys
        for section, keys in changes.items():
            values[section] |= keys
        return Config.model_validate(values)

    return make


def test_the_same_texts_are_accepted_wherever_they_lie(own: Path, configured: Callable[..., Config]) -> None:
    train(configured(), "run")
    shutil.copytree(own / "data", own / "elsewhere")
    for step, folder in enumerate(("./data", own / "data", "../" + own.name + "/data", "elsewhere"), start=3):
        assert train(configured(folder, training={"max_steps": step}), "run") == f"max_steps {step} reached"
        assert train(configured(folder, training={"max_steps": step}), "run") == f"max_steps {step} reached"
    assert load_checkpoint(next((own / "run" / "checkpoints").glob("*06"))).config.data.train[0].source == (
        "elsewhere/train.xx",
    )


def test_other_texts_under_another_name_are_refused(own: Path, configured: Callable[..., Config]) -> None:
    train(configured(), "run")
    shutil.copytree(own / "data", own / "other")
    with (own / "other" / "train.xx").open("a") as source, (own / "other" / "train.yy").open("a") as target:
        source.write("mehr\n")
        target.write("MEHR\n")
    for steps in (2, 3):  # finished, and to be gone on with
        with pytest.raises(DataError, match=r"other/train\.xx, other/train\.yy: changed since this run began"):
            train(configured("other", training={"max_steps": steps}), "run")


@pytest.mark.parametrize("steps", [2, 3])
def test_a_changed_validation_text_is_refused(own: Path, configured: Callable[..., Config], steps: int) -> None:
    train(configured(), "run")
    shutil.copytree(own / "data", own / "other")
    (own / "other" / "validation.yy").write_text("JE\n" * 12)
    before = (own / "run" / "metrics.jsonl").read_bytes()
    with pytest.raises(DataError, match=r"validation\.yy: changed since this run began.*--restart") as caught:
        train(configured("other", training={"max_steps": steps}), "run")
    assert caught.value.exit_code == 65
    assert (own / "run" / "metrics.jsonl").read_bytes() == before


def test_the_same_validation_text_compressed_is_the_same(
    own: Path, configured: Callable[..., Config], make_configuration: Callable[..., str], make_corpus: Any
) -> None:
    train(configured(), "run")
    make_corpus(own / "packed", ".gz")
    packed = from_yaml(make_configuration(own / "packed", ".gz"), "c").data.validation[0]
    changed = configured(training={"max_steps": 3}, data={"validation": packed.model_dump()})
    assert train(changed, "run") == "max_steps 3 reached"


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("finished", [True, False])
def test_what_training_never_looks_at_may_change(
    configured: Callable[..., Config], finished: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "nmt")
    train(configured(), "run")
    steps = {"max_steps": 2 if finished else 3}
    unused = {"shortlist": 7, "batch_tokens": 100}
    assert train(configured(training=steps, data={"test": None}, search=unused), "run").endswith("reached")
    searched = configured(training=steps, search={"beam_size": 3, "length_penalty": 0.5})
    if finished:
        train(searched, "run")
        assert "search.beam_size, search.length_penalty: changed, but the model keeps" in caplog.text
    else:
        steps["max_steps"] = 4
        searched = configured(training=steps, search={"beam_size": 3, "length_penalty": 0.5})
        with pytest.raises(ConfigError, match=r"search\.beam_size: was 2 when this run began, and is 3 now"):
            train(searched, "run")


@pytest.mark.usefixtures("own")
def test_a_missing_file_is_an_error_still(configured: Callable[..., Config]) -> None:
    train(configured(), "run")
    for steps in (2, 3):
        with pytest.raises(Exception, match="gone/train") as caught:
            train(configured("gone", training={"max_steps": steps}), "run")
        assert getattr(caught.value, "exit_code", None) == 66


def test_an_own_tokenizer_counts_by_its_content(own: Path, configured: Callable[..., Config]) -> None:
    train(configured(), "first")
    shutil.copy("first/tokenizer/shared.model", "own.model")
    train(configured(tokenizer={"source_model": "own.model"}), "run")
    shutil.copy("own.model", "copied.model")
    again = {"source_model": str(own / "copied.model")}
    assert train(configured(tokenizer=again, training={"max_steps": 3}), "run") == "max_steps 3 reached"
    train(configured(training={"max_steps": 1}, tokenizer={"kind": "char"}), "second")
    other = {"source_model": "second/tokenizer/shared.model"}
    with pytest.raises(ConfigError, match=r"tokenizer\.source_model: was .*copied\.model when this run began"):
        train(configured(tokenizer=other, training={"max_steps": 4}), "run")
    with pytest.raises(ModelError, match=r"gone\.model: cannot be read"):
        train(configured(tokenizer={"source_model": "gone.model"}, training={"max_steps": 4}), "run")


def test_scores_of_two_metrics_are_never_compared(own: Path, configured: Callable[..., Config]) -> None:
    train(configured(), "run")
    state = load_checkpoint(own / "run" / "checkpoints" / "step-00000002").state
    assert (state.metric, state.validation_tokenize) == ("bleu", "13a") and len(state.validation) == 64
    named = {"early_stopping_metric": "bleu", "validation_tokenize": "13a", "max_steps": 3}
    assert train(configured(training=named), "run") == "max_steps 3 reached"
    for key, value in (("early_stopping_metric", "chrf"), ("validation_tokenize", "zh")):
        with pytest.raises(ConfigError, match=rf"training\.{key}: was .* when this run began, and is {value} now"):
            train(configured(training={**named, key: value, "max_steps": 4}), "run")
    assert train(configured(training={"max_steps": 4}), "run") == "max_steps 4 reached"
    summary = load_checkpoint(own / "run" / "checkpoints" / "step-00000004").summary
    assert summary["metric"] == "bleu"


def test_a_target_without_spaces_does_not_keep_its_first_checkpoint(
    own: Path, configured: Callable[..., Config]
) -> None:
    for name in ("train", "validation"):
        source = (own / "data" / f"{name}.xx").read_text()
        signs = ["日" if letter in "abcdefgh" else "月" for letter in source if letter.isalpha()]
        lines, place = [], 0
        for line in source.splitlines():
            length = sum(map(str.isalpha, line))
            lines.append("".join(signs[place : place + length]))
            place += length
        (own / "data" / f"{name}.yy").write_text("".join(f"{line}\n" for line in lines))
    train(configured(training={"max_steps": 40, "validate_every": 4, "learning_rate": 0.01, "patience": 3}), "run")
    records = [json.loads(line) for line in (own / "run" / "metrics.jsonl").read_text().splitlines()]
    scores = {record["step"]: record["chrf"] for record in records if record["split"] == "validation"}
    best = (own / "run" / "best").read_text().strip()
    assert int(best.removeprefix("step-")) > 4
    assert scores[int(best.removeprefix("step-"))] == max(scores.values())
    assert load_checkpoint(own / "run" / "checkpoints" / best).state.metric == "chrf"


def older(contents: CheckpointContents) -> CheckpointContents:
    """The contents as a version wrote them that knew neither `auto` nor two rules of normalisation."""
    state = {name: value for name, value in contents.state.items() if name not in ADDED_TO_THE_STATE}
    lines = [line for line in contents.config.splitlines() if line.split(":")[0].strip() not in ADDED_KEYS]
    config = "\n".join(lines).replace("early_stopping_metric: auto", "early_stopping_metric: bleu") + "\n"
    summary = {name: value for name, value in contents.summary.items() if name != "validation_tokenize"}
    return CheckpointContents(contents.weights, contents.optimizer, state, config, contents.tokenizers, summary)


def test_a_run_of_an_earlier_version_translates_and_goes_on_as_before(
    own: Path, configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = nmt.training.trainer.save_with_pointers
    with monkeypatch.context() as patch:
        patch.setattr(
            nmt.training.trainer, "save_with_pointers", lambda run, step, c, **k: save(run, step, older(c), **k)
        )
        # Its tokenizer folds both sides by one rule, and nothing in its model tells of two.
        train(configured(tokenizer={"target_normalization": "nmt_nfkc"}), "run")
    assert "target_normalization" not in (own / "run" / "checkpoints" / "step-00000002" / CONFIG).read_text()
    source, target = Translator.load("run", device="cpu").tokenizers
    assert source is target and target.decode(target.encode(["Ⅻ ｆ"])[0]) == "XII f"
    rules = describe_model(own / "run" / "checkpoints" / "step-00000002")["configuration"]["tokenizer"]
    assert rules["normalization"] == rules["target_normalization"] == "nmt_nfkc"
    assert train(configured(training={"max_steps": 3}), "run") == "max_steps 3 reached"
    again = load_checkpoint(own / "run" / "checkpoints" / "step-00000003")
    assert again.tokenizers.source is again.tokenizers.target
    assert (again.state.metric, again.state.validation_tokenize) == ("bleu", "13a") and again.state.validation
    assert (own / "run" / "best").exists()


def test_a_tokenizer_for_validation_is_checked_before_anything_is_done(
    own: Path, configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise ImportError

    monkeypatch.setattr("nmt.evaluation.metrics.build_metric", absent)
    with pytest.raises(ConfigError, match=r"training\.validation_tokenize: .*pip install 'sacrebleu\[ja\]'"):
        train(configured(training={"validation_tokenize": "ja-mecab"}), "run")
    assert not (own / "run" / "tokenizer").exists()
