"""Claims about --ensemble: what may join a model, and what commands make of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nmt.checkpoint.ensembles import join_models
from nmt.errors import ConfigError
from nmt.service.models import Loader, load_models
from nmt.translation.translator import Translator
from program import Call

LINES = "a b c\nc b\n\nb\n"


@pytest.fixture(scope="module")
def stranger(configuration: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of another vocabulary."""
    run = tmp_path_factory.mktemp("runs") / "stranger"
    keys = "training.max_steps=1", "tokenizer.kind=char", "tokenizer.vocabulary_size=280"
    done = call("train", configuration, "--output", run, *(word for key in keys for word in ("--set", key)))
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="module")
def expected(model: Path, second_model: Path) -> list[str]:
    both = Translator.load(model, ensemble=[second_model])
    return [one.text for one in both.translate(LINES.splitlines())]


def test_translate_and_eval_and_compare_translate_together(
    model: Path, second_model: Path, expected: list[str], call: Call, tmp_path: Path
) -> None:
    done = call("translate", model, "--ensemble", second_model, stdin=LINES.encode())
    assert (done.code, done.out.decode().splitlines()) == (0, expected), done.err
    source, reference = tmp_path / "source", tmp_path / "reference"
    source.write_text(LINES)
    reference.write_text("".join(f"{line}\n" for line in expected))
    files = ("--src", source, "--ref", reference, "--format", "json")
    done = call("eval", model, "--ensemble", second_model, *files)
    assert done.code == 0 and json.loads(done.out)["bleu"]["score"] == pytest.approx(100)
    done = call("compare", model, second_model, "--ensemble", second_model, *files, "--test", "none")
    assert done.code == 0, done.err
    assert json.loads(done.out)["metrics"]["chrf"]["a"]["score"] == pytest.approx(100)


def test_score_and_align_read_together(model: Path, second_model: Path, call: Call, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("a b\nc\n")
    target.write_text("b a\nc c\n")
    pair = ("--src", source, "--tgt", target)
    read_by = {"first": (model,), "second": (second_model,), "both": (model, "--ensemble", second_model)}
    scores = {}
    for name, options in read_by.items():
        done = call("score", *options, *pair)
        assert done.code == 0, done.err
        scores[name] = [float(line) for line in done.out.split()]
    for first, second, both in zip(scores["first"], scores["second"], scores["both"], strict=True):
        assert min(first, second) < both < max(first, second)
    weights = {}
    for name, options in read_by.items():
        done = call("align", *options, *pair, "--alignment", "soft", "--format", "json")
        assert done.code == 0, done.err
        weights[name] = [np.array(json.loads(line)["attention_tokens"]["weights"]) for line in done.lines]
        assert len(weights[name]) == 2
    for first, second, both in zip(weights["first"], weights["second"], weights["both"], strict=True):
        assert np.abs(first - second).max() > 1e-3
        np.testing.assert_allclose(both, (first + second) / 2, atol=2e-5)


def test_another_vocabulary_is_refused(model: Path, stranger: Path, call: Call) -> None:
    done = call("translate", model, "--ensemble", stranger, stdin=b"a\n")
    assert (done.code, done.out) == (2, b"")
    assert "another source vocabulary than" in done.err and "same tokenizers" in done.err


def test_the_model_itself_is_refused(model: Path, second_model: Path, call: Call) -> None:
    for others in ((model,), (second_model, second_model)):
        done = call("translate", model, *(word for other in others for word in ("--ensemble", other)), stdin=b"a\n")
        assert done.code == 2 and "is the same model as" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("translate", "MODEL", "--ensemble-average", "probabilities"), "does nothing without --ensemble"),
        (("translate", "MODEL", "--ensemble", "MODEL", "--ensemble-average", "logits"), "log-probabilities"),
        (("eval", "--hyp", "x", "--ref", "x", "--ensemble", "MODEL"), "does nothing with --hyp"),
        (("compare", "--hyp", "x", "y", "--ref", "x", "--ensemble", "MODEL"), "does nothing with --hyp"),
        (("translate", "MODEL", "--ensemble", "nowhere"), "nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, said, model, call):
    done = call(*(model if word == "MODEL" else word for word in arguments), stdin=b"a\n")
    assert done.code in (2, 4) and said in done.err and not done.out


def test_what_is_averaged_can_be_chosen(model: Path, second_model: Path, call: Call) -> None:
    scores = []
    for average in ("probabilities", "log-probabilities"):
        options = ("--ensemble", second_model, "--ensemble-average", average, "--format", "json")
        done = call("translate", model, *options, stdin=LINES.encode())
        assert done.code == 0, done.err
        scores.append([json.loads(line)["hypotheses"] for line in done.out.splitlines()])
    assert scores[0] != scores[1]


def test_served_models_are_joined_by_those_that_fit(model: Path, second_model: Path, stranger: Path) -> None:
    assert join_models([stranger, model], [second_model], print) == {stranger: [], model: [second_model]}
    with pytest.raises(ConfigError, match="another source vocabulary"):
        join_models([model], [stranger], print)
    with pytest.raises(ConfigError, match="the languages and vocabularies of none"):
        join_models([model, second_model], [stranger], print)
    models = load_models([stranger, model], Loader("cpu", "fp32"), 100, ensemble=[second_model])
    assert [len(one.translator.ensemble.members) for one in models] == [1, 2]
    before = [one.translator for one in models]
    models.take_up()  # nothing has changed
    assert [one.translator for one in models] == before
    models.close()
