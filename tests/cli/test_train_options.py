"""Options of `nmt train`, and what it does at the limits of the machine."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_an_option_for_a_key_is_blamed_by_its_own_name(call, configuration, tmp_path):
    done = call("train", configuration, "--output", tmp_path / "run", "--precision", "fp8", "--batch-tokens", "0")
    assert (done.code, done.out) == (2, b"")
    assert done.errors == [
        "nmt: error: --batch-tokens: expected a whole number of at least 1, got 0",
        'nmt: error: --precision: expected one of auto, fp32, bf16, got "fp8"',
    ]
    assert not (tmp_path / "run").exists()


def test_options_for_keys_are_kept_in_the_configuration(call, configuration, tmp_path):
    run = tmp_path / "run"
    options = ["--precision", "bf16", "--batch-tokens", "64", "--set", "training.max_steps=1"]
    done = call("train", configuration, "--output", run, *options)
    assert done.code == 0, done.err
    assert {"  precision: bf16", "  batch_tokens: 64"} <= set((run / "config.yaml").read_text().splitlines())


def test_a_changed_key_is_spelled_as_in_yaml(call, configuration, tmp_path):
    run = tmp_path / "run"
    options = ["train", configuration, "--output", run, "--set", "training.max_steps=1"]
    assert call(*options).code == 0
    changes = ["model.layer_norm=true", "data.max_length_ratio=9", "training.adam_betas=[0.5, 0.6]"]
    done = call(*options, *(f"--set={change}" for change in changes))
    assert done.code == 2
    for words in (
        "model.layer_norm: was false when this run began, and is true now",
        "data.max_length_ratio: was null when this run began, and is 9.0 now",
        "training.adam_betas: was [0.9, 0.999] when this run began, and is [0.5, 0.6] now",
    ):
        assert words in done.err, done.err


@pytest.mark.promise(11, gate=1, full=1)
def test_promise_11_a_model_too_large_for_memory_is_7(configuration, tmp_path, user_environment):
    program = [sys.executable, "-m", "nmt", "train", configuration, "--output", tmp_path / "run"]
    limited = ["/bin/sh", "-c", 'ulimit -v 8000000 && exec "$@"', "sh"]
    done = subprocess.run(
        [*limited, *program, "--set", "model.encoder.hidden_size=50000"],
        env=user_environment(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert done.stderr.decode().splitlines()[-1] == "nmt: error: out of memory"
    assert "can't allocate memory" in (tmp_path / "run" / "train.log").read_text()


def test_training_goes_on_when_standard_error_cannot_be_written(start_forked, configuration, tmp_path):
    with Path("/dev/full").open("wb") as full:
        arguments = ["train", configuration, "--output", tmp_path / "run", "--set", "training.max_steps=2"]
        with start_forked(*arguments, stderr=full) as running:
            assert running.wait(60) == 0
    assert "finished: max_steps 2 reached" in (tmp_path / "run" / "train.log").read_text()
