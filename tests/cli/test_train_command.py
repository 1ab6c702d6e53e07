"""`nmt train`: what it refuses, how it goes on, what it says."""

import json
from pathlib import Path

import pytest

from nmt.storage import RunLock


@pytest.fixture
def trained(call, configuration, tmp_path):
    """A run that has finished ten steps."""
    run = tmp_path / "run"
    done = call("train", configuration, "--output", run, "--set", "training.max_steps=10")
    assert done.code == 0, done.err
    return run


def test_three_mistakes_are_three_lines_with_file_and_line(process, configuration, tmp_path):
    broken = tmp_path / "my.yaml"
    text = configuration.read_text().replace("attention_size: 8", "atention_size: 8")
    text = text.replace("layers: 1}", "layers: none}", 1).replace("beam_size: 2", "beam_size: 0")
    broken.write_text(text)
    numbers = [
        1 + text[: text.index(word)].count("\n") for word in ("atention_size", "layers: none", "search", "beam_size")
    ]
    done = process("train", broken, "--output", tmp_path / "run")
    assert (done.code, done.out) == (2, b"")
    assert len(done.errors) == len(done.err.splitlines()) == 3, done.err
    assert done.errors[0].startswith(f"nmt: error: {broken}:{numbers[0]}: model.atention_size: unknown key")
    assert "attention_size" in done.errors[0].split("unknown key")[1]
    assert done.errors[1].startswith(f"nmt: error: {broken}:{numbers[1]}: model.encoder.layers: ")
    assert done.errors[2].startswith(f"nmt: error: {broken}:{numbers[3]}: search.beam_size: ")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("train.xx", "absent.xx"), 66, ["absent.xx"]),
        (("validation.yy", "absent.yy"), 66, ["absent.yy"]),
        (("train.xx", "validation.xx"), 65, ["validation.xx", "12", "200"]),
        (("train.xx, target: ", "blank, target: "), 65, []),
    ],
)
def test_a_corpus_that_cannot_be_used_is_named(change, code, words, call, data, configuration, tmp_path):
    (data / "blank").write_text("\n" * 200)
    broken = tmp_path / "broken.yaml"
    broken.write_text(configuration.read_text().replace(*change))
    done = call("train", broken, "--output", tmp_path / "run")
    assert (done.code, done.out) == (code, b""), done.err
    assert all(any(word in error for error in done.errors) for word in words), done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["cuda:99", "cuda:7"])
def test_an_absent_device_is_69(name, call, configuration, model, tmp_path):
    assert call("train", configuration, "--output", tmp_path / "run", "--device", name).code == 69
    assert call("translate", model, "--device", name).code == 69


@pytest.mark.parametrize("option", [("--device", "tpu"), ("--precision", "fp8"), ("--set", "x"), ("--threads", "0")])
def test_a_wrong_option_is_2(option, call, configuration, tmp_path):
    done = call("train", configuration, "--output", tmp_path / "run", *option)
    assert (done.code, done.out) == (2, b"")
    assert "Traceback" not in done.err


def test_a_run_in_use_is_75_before_torch_is_loaded(process, configuration, tmp_path, user_environment):
    run = tmp_path / "run"
    run.mkdir()
    with RunLock(run):
        done = process("train", configuration, "--output", run, env=user_environment(PYTHONPROFILEIMPORTTIME="1"))
    assert (done.code, done.out) == (75, b"")
    modules = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert "nmt.storage" in modules and not modules & {"torch", "numpy", "sentencepiece", "sacrebleu"}
    assert [line for line in done.errors if str(run) in line and "in use" in line]


def test_a_changed_key_is_refused_with_both_values(call, configuration, trained):
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file() and path.name != "train.log"}
    changes = ["--set", "training.learning_rate=0.25", "--set", "model.dropout=0.125", "--set", "training.max_steps=11"]
    done = call("train", configuration, "--output", trained, *changes)
    assert (done.code, done.out) == (2, b"")
    assert len(done.errors) == 2
    rate, dropout = sorted(done.errors, reverse=True)
    assert "training.learning_rate" in rate and "0.001" in rate and "0.25" in rate
    assert "model.dropout" in dropout and "0.3" in dropout and "0.125" in dropout
    assert all(path.read_bytes() == content for path, content in before.items() if path.name != ".lock")


def test_limits_and_intervals_may_change(call, configuration, trained):
    changes = "max_steps=12 max_epochs=40 max_minutes=9 patience=7 log_every=1 validate_every=3 save_every_minutes=3"
    done = call(
        "train", configuration, "--output", trained, *(f"--set=training.{change}" for change in changes.split())
    )
    assert done.code == 0, done.err
    assert "going on from step 10" in done.err
    records = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if record["split"] == "train"] == [5, 10, 11, 12]


def test_a_finished_run_says_so(call, configuration, trained):
    done = call("train", configuration, "--output", trained, "--set", "training.max_steps=10")
    assert (done.code, done.out) == (0, b"")
    assert "finished already: max_steps 10 reached" in done.err


def test_restart_begins_anew(call, configuration, trained):
    options = ["--set", "training.max_steps=5", "--set", "seed=7"]
    assert call("train", configuration, "--output", trained, *options).code == 2
    kept = trained / "notes.txt"
    kept.write_text("of the user")
    done = call("train", configuration, "--output", trained, *options, "--restart")
    assert done.code == 0, done.err
    assert [path.name for path in (trained / "checkpoints").iterdir()] == ["step-00000005"]
    assert kept.exists()


def test_the_run_directory_is_laid_out_as_documented(model):
    assert {path.name for path in model.iterdir()} >= {
        *("config.yaml", "tokenizer", "corpus", "checkpoints", "best", "last", "metrics.jsonl", "train.log")
    }
    checkpoint = model / "checkpoints" / (model / "last").read_text().strip()
    assert {path.name for path in checkpoint.iterdir()} == {
        *("model.safetensors", "optimizer.safetensors", "state.json", "config.yaml", "manifest.json", "shared.model")
    }


def test_metrics_have_the_documented_fields(model):
    records = [json.loads(line) for line in (model / "metrics.jsonl").read_text().splitlines()]
    every = {"split", "step", "epoch", "seconds", "loss"}
    train = every | {"learning_rate", "target_tokens", "target_tokens_per_second"}
    validation = every | {"perplexity", "bleu", "chrf"}
    assert {record["split"] for record in records} == {"train", "validation"}
    for record in records:
        assert record.keys() == (train if record["split"] == "train" else validation)
        # Those since the last record alone: of five steps of at most 128.
        assert 5 < record.get("target_tokens", 6) <= 5 * 128


def test_a_full_log_does_not_end_training(process, configuration, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "train.log").symlink_to("/dev/full")
    done = process("train", configuration, "--output", run, "--set", "training.max_steps=2")
    assert done.code == 0, done.err
    assert done.err.count("cannot be written") == 1
    assert "Traceback" not in done.err


def test_the_folder_is_runs_and_the_name(call, configuration, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("train", configuration, "--set", "training.max_steps=1", "--set", "name=aa-bb")
    assert done.code == 0, done.err
    assert (Path("runs") / "aa-bb" / "last").exists()


def test_restart_loses_nothing_to_a_mistyped_path(call, configuration, trained):
    options = ["--set", "data.train.source=absent.xx", "--restart"]
    assert call("train", configuration, "--output", trained, *options).code == 66
    assert (trained / "checkpoints" / "step-00000010" / "model.safetensors").exists()
