"""Training that diverges, or that memory does not suffice for, ends with its own exit code and spoils nothing."""

from __future__ import annotations

import json

import pytest
import torch

from nmt.model.seq2seq import Seq2Seq
from nmt.training.gradient import Gradient
from nmt.training.optimizer import Adam


@pytest.fixture
def trained(call, configuration, tmp_path):
    run = tmp_path / "run"
    assert call("train", configuration, "--output", run, "--set", "training.max_steps=15").code == 0
    return run


def weights(run):
    return {path: path.read_bytes() for path in sorted((run / "checkpoints").rglob("*")) if path.is_file()}


def go_on(call, configuration, run):
    return call("train", configuration, "--output", run, "--set", "training.max_steps=30")


@pytest.mark.parametrize("metric", ["bleu", "perplexity"])
def test_a_validation_that_diverged_is_6_and_metrics_stay_json(metric, call, configuration, tmp_path, monkeypatch):
    def lost(_self, _readouts, target_output):
        return torch.full(target_output.shape, -1000.0)

    monkeypatch.setattr(Seq2Seq, "log_probabilities", lost)
    run = tmp_path / "run"
    done = call("train", configuration, "--output", run, "--set", f"training.early_stopping_metric={metric}")
    assert done.code == 6
    assert "validation" in done.errors[0]

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    for line in (run / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)


@pytest.mark.parametrize("place", [(Gradient, "add"), (Seq2Seq, "log_probabilities"), (Adam, "step")])
def test_memory_that_runs_out_is_7(place, call, configuration, trained, monkeypatch):
    def exhausted(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    before = weights(trained)
    monkeypatch.setattr(*place, exhausted)
    done = go_on(call, configuration, trained)
    assert done.code == 7
    assert len(done.errors) == 1
    assert weights(trained) == before
