"""What training does differently on CUDA, on a processor: batches in buckets, losses read late."""

from __future__ import annotations

import math
import signal

import pytest

from nmt.checkpoint.layout import METRICS
from nmt.model.seq2seq import Seq2Seq
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.metrics_log import read_metrics


@pytest.fixture
def as_on_cuda(monkeypatch):
    monkeypatch.setattr(
        DeviceStrategy, "for_device", lambda device, **_: DeviceStrategy(device, buckets=True, updates_behind=1)
    )


def files(run):
    return {
        path.name: path.read_bytes() for path in sorted((run / "checkpoints" / "step-00000030").glob("*.safetensors"))
    }


def losses(run):
    return [(record["step"], record["loss"]) for record in read_metrics(run / METRICS) if record["split"] == "train"]


def train(call, configuration, run, steps, *options):
    # No record of the metrics where a validation is due: it would bring all losses in.
    limits = "--set", f"training.max_steps={steps}", "--set", "training.log_every=7"
    return call("train", configuration, "--output", run, *limits, *options)


@pytest.mark.usefixtures("as_on_cuda")
def test_a_resumed_training_equals_one_never_stopped(call, configuration, tmp_path):
    assert train(call, configuration, tmp_path / "one", 30).code == 0
    for steps in (13, 30):
        assert train(call, configuration, tmp_path / "two", steps).code == 0
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert losses(tmp_path / "one") == losses(tmp_path / "two")


def test_the_losses_are_those_of_a_processor(call, configuration, tmp_path, monkeypatch):
    without = ["--set", "model.dropout=0.0"]
    assert train(call, configuration, tmp_path / "one", 15, *without).code == 0
    monkeypatch.setattr(
        DeviceStrategy, "for_device", lambda device, **_: DeviceStrategy(device, buckets=True, updates_behind=1)
    )
    assert train(call, configuration, tmp_path / "two", 15, *without).code == 0
    for (step, expected), found in zip(losses(tmp_path / "one"), losses(tmp_path / "two"), strict=True):
        assert found == (step, pytest.approx(expected, rel=1e-4))


# The last step, the one before it, and one in between: with none, one or several updates to come. A signal has the
# state saved at once.
@pytest.mark.usefixtures("as_on_cuda")
@pytest.mark.parametrize(("step", "signaled"), [(17, False), (29, False), (30, False), (17, True)])
def test_a_step_that_diverged_is_6_and_reaches_no_checkpoint(
    step, signaled, call, configuration, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    assert train(call, configuration, run, 15).code == 0
    before = {path: path.read_bytes() for path in sorted((run / "checkpoints").rglob("*")) if path.is_file()}
    forward = Seq2Seq.forward
    calls = 15
    trained = []

    def diverged(self, *arguments, **options):
        nonlocal calls
        forced = forward(self, *arguments, **options)
        calls += self.training
        trained[:] = self.parameters()
        if not self.training or calls != step:
            return forced
        if signaled:
            signal.raise_signal(signal.SIGTERM)
        return forced._replace(readouts=forced.readouts * math.nan)

    monkeypatch.setattr(Seq2Seq, "forward", diverged)
    done = train(call, configuration, run, 30)
    assert done.code == 6
    assert f"step {step}:" in done.errors[0]
    assert {path: path.read_bytes() for path in sorted((run / "checkpoints").rglob("*")) if path.is_file()} == before
    assert all(parameter.isfinite().all() for parameter in trained)
    validated = [record["step"] for record in read_metrics(run / METRICS) if record["split"] == "validation"]
    assert validated == [15]
