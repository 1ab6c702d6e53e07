"""Claims about `nmt average`: a model whose weights are the mean of others'."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from nmt.checkpoint.layout import CONFIG
from nmt.checkpoint.loading import open_model
from program import Call
from sealing import put

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def several(configuration: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has kept three checkpoints."""
    run = tmp_path_factory.mktemp("runs") / "several"
    options = ("training.max_steps=6", "training.validate_every=2", "training.keep_checkpoints=9")
    done = call("train", configuration, "--output", run, *(word for key in options for word in ("--set", key)))
    assert done.code == 0, done.err
    return run


def test_the_average_is_the_mean_and_translates(several: Path, call: Call, tmp_path: Path) -> None:
    parts = sorted((several / "checkpoints").iterdir())
    assert len(parts) == 3
    done = call("average", *parts, "--output", tmp_path / "average")
    assert done.code == 0 and "the average of 3 models" in done.err, done.err
    weights = [open_model(part, print, CPU).model.state_dict() for part in parts]
    mean = open_model(tmp_path / "average", print, CPU).model.state_dict()
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, sum(one[name].double() for one in weights).div(3).float())
    assert call("translate", tmp_path / "average", stdin=b"ba ce\n\n").out.count(b"\n") == 2
    assert call("info", tmp_path / "average", "--verify").code == 0
    told = json.loads(call("info", tmp_path / "average", "--format", "json").out)["training"]
    assert [one["step"] for one in told["averaged"]] == [2, 4, 6] and told["best_score"] is None
    assert [one["sha256"] for one in told["averaged"]] == [open_model(part, print, CPU).identity for part in parts]


def test_the_average_of_a_model_with_itself_is_that_model(model: Path, call: Call, tmp_path: Path) -> None:
    assert call("average", model, model, "--output", tmp_path / "average").code == 0
    first, second = (open_model(path, print, CPU).model.state_dict() for path in (model, tmp_path / "average"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_does_not_fit_is_refused(model: Path, configuration: Path, call: Call, tmp_path: Path) -> None:
    keys = {"other": "tokenizer.kind=char", "wider": "model.attention=dot"}
    for name, key in keys.items():
        options = ("--set", "training.max_steps=1", "--set", key, "--set", "tokenizer.vocabulary_size=280")
        options = options if name == "other" else options[:-2]
        done = call("train", configuration, "--output", tmp_path / name, *options)
        assert done.code == 0, done.err
    for name, said in (("other", "has another source vocabulary than"), ("wider", "has another architecture than")):
        done = call("average", model, tmp_path / name, "--output", tmp_path / "average")
        assert done.code == 2 and said in done.err and not (tmp_path / "average").exists()
    done = call("average", model, "--output", tmp_path / "average")
    assert done.code == 2 and "two models or more" in done.err
    done = call("average", model, tmp_path / "none", "--output", tmp_path / "average")
    assert done.code == 4 and "none" in done.err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("mine")
    done = call("average", model, model, "--output", tmp_path / "full")
    assert done.code == 2 and (tmp_path / "full" / "letter").read_text() == "mine"


def test_the_other_direction_is_refused_though_all_shapes_fit(model: Path, call: Call, tmp_path: Path) -> None:
    reversed_model = tmp_path / "reversed"
    assert call("export", model, reversed_model).code == 0
    text = (reversed_model / CONFIG).read_text()
    languages = {"source_language": "yy", "target_language": "xx"}
    for key, language in languages.items():
        text = re.sub(rf"{key}: \w+", f"{key}: {language}", text)
    put(reversed_model, CONFIG, text.encode())
    done = call("average", model, reversed_model, "--output", tmp_path / "average")
    assert done.code == 2 and f"{reversed_model}: translates yy to xx, but" in done.err, done.err
    assert not (tmp_path / "average").exists()


def test_a_damaged_part_writes_nothing(model: Path, call: Call, tmp_path: Path) -> None:
    assert call("export", model, tmp_path / "part").code == 0
    shutil.copytree(tmp_path / "part", tmp_path / "damaged")
    [weights] = [path for path in (tmp_path / "damaged").iterdir() if path.suffix == ".safetensors"]
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    done = call("average", tmp_path / "part", tmp_path / "damaged", "--output", tmp_path / "average")
    assert done.code == 4 and not (tmp_path / "average").exists()
