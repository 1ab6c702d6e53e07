"""A few updates in a process of their own, and what is expected from them."""

import multiprocessing
import os
import signal

import pytest

import nmt.preflight.trial as trial_module
from nmt.corpus.workers import Worker
from nmt.errors import MemoryExhaustedError, StoppedError
from nmt.preflight.check import PreflightOptions, check
from nmt.preflight.estimates import TrainingLength, estimate_disk, estimate_memory, estimate_time
from nmt.preflight.findings import Findings
from nmt.preflight.trial import Trial, TrialModel, TrialOutcome, TrialPlan, TrialTooLongError
from nmt.training.signals import StopRequest

SMALL = {
    "tokenizer": {"vocabulary_size": 300, "byte_fallback": False},
    "model": {
        "attention_size": 8,
        "embedding_size": 8,
        "readout_size": 8,
        "encoder": {"hidden_size": 4},
        "decoder": {"hidden_size": 8},
    },
}
MINUTE = TrialOutcome(updates=10, seconds=5.0, target_tokens=5000, memory=10**8, device_memory=None)


def small(corpus, **training):
    return corpus.config(**SMALL, training={"batch_tokens": 200, "max_steps": 1000, **training})


def kinds(findings):
    return {finding.kind for finding in findings}


def test_updates_are_timed_and_nothing_is_left(corpus, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    report = check(small(corpus), tmp_path / "runs" / "small")
    assert report.exit_code == 0 and {finding.severity for finding in report.findings} == {"information"}
    assert kinds(report.findings) == {"pairs", "model", "time", "memory", "disk"}
    estimates = report.estimates
    assert estimates["updates"] == 1000 and estimates["pairs"] == 1000
    assert 0 < estimates["seconds_per_update"] < 5
    assert estimates["seconds"] == pytest.approx(1000 * estimates["seconds_per_update"])
    assert 100 < estimates["seconds_per_update"] * estimates["target_tokens_per_second"] <= 200  # an update has so many
    assert 50_000_000 < estimates["memory_bytes"] < 3_000_000_000
    assert 0 < estimates["disk_bytes"] < estimates["disk_free_bytes"]
    assert not list(folder.iterdir()) and not (tmp_path / "runs").exists()
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_loss_that_becomes_infinite_is_told(corpus, tmp_path):
    report = check(small(corpus, learning_rate=1e38, warmup_ratio=None, clip_norm=None), tmp_path / "run")
    [error] = [finding for finding in report.findings if finding.severity == "error"]
    assert (error.kind, report.exit_code) == ("diverged", 6)


@pytest.mark.parametrize(("trial", "code"), [(True, 7), (False, 5)])
def test_a_model_for_which_there_is_no_memory_is_not_tried(trial, code, corpus, tmp_path):
    config = small(corpus)
    huge = config.model.model_copy(update={"decoder": config.model.decoder.model_copy(update={"hidden_size": 10**6})})
    report = check(config.model_copy(update={"model": huge}), tmp_path / "run", PreflightOptions(trial=trial))
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert kinds(errors) == ({"memory", "disk"} if trial else {"disk"})
    assert report.exit_code == code


@pytest.mark.parametrize(("device", "code"), [("cuda:99", 69), pytest.param("tpu", 2, marks=pytest.mark.slow)])
def test_the_device_is_looked_for_even_where_files_are_missing(device, code, corpus, tmp_path):
    corpus.path("training.en").unlink()
    report = check(small(corpus), tmp_path / "run", PreflightOptions(device=device))
    assert {"device", "unreadable"} <= kinds(report.findings) and report.exit_code == code


@pytest.fixture
def plan(corpus):
    return TrialPlan(small(corpus).as_yaml(), "cpu", 1, sizes=(300, 300))


def test_a_process_that_was_killed_has_run_out_of_memory(plan):
    with Trial(plan._replace(device="cpu"), StopRequest()) as trial:
        [process] = multiprocessing.active_children()
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(MemoryExhaustedError):
            trial.model()
    assert not multiprocessing.active_children()


def test_a_process_that_cannot_be_sent_the_plan_is_ended(plan, monkeypatch):
    def refuse(*_):
        raise MemoryExhaustedError("training", "the pipe is broken")

    monkeypatch.setattr(Worker, "send", refuse)
    trial = Trial(plan, StopRequest())
    with pytest.raises(MemoryExhaustedError, match="the pipe is broken"):
        trial.__enter__()
    assert not multiprocessing.active_children()


def test_what_takes_too_long_is_given_up(plan, monkeypatch):
    monkeypatch.setattr(trial_module, "LONGEST_SECONDS", 0.0)
    with Trial(plan, StopRequest()) as trial, pytest.raises(TrialTooLongError):
        trial.model()
    assert not multiprocessing.active_children()


def test_a_signal_ends_it(plan):
    stop = StopRequest()
    with Trial(plan, stop) as trial:
        stop.signal = signal.SIGINT
        with pytest.raises(StoppedError):
            trial.model()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"max_steps": 1000}, 500),
        ({"max_steps": None, "max_epochs": 30}, 3000),
        ({"max_steps": 1000, "max_minutes": 5}, 300),
        ({"max_steps": None, "max_epochs": None, "max_minutes": 6}, 360),
        ({"max_steps": None, "max_epochs": None, "patience": 5}, None),
    ],
)
def test_time_is_that_of_the_nearest_limit(limits, seconds, corpus):
    config = small(corpus, **{"schedule": "constant", "max_epochs": None, **limits})
    epochs = config.training.max_epochs
    length = TrainingLength(
        1000, 40_000, 200, min((n for n in (config.training.max_steps, epochs and 200 * epochs) if n), default=None)
    )
    findings = Findings()
    assert estimate_time(config, length, MINUTE, None, findings)["seconds"] == seconds
    assert kinds(findings.sorted()) == {"time"}


def test_few_updates_are_a_warning(corpus):
    findings = Findings()
    estimate_time(small(corpus, max_steps=100), TrainingLength(1000, 40_000, 200, 100), None, None, findings)
    assert kinds(findings.sorted()) == {"few_updates"}


def test_few_updates_may_be_enough_for_a_model_that_has_learned_already(corpus):
    findings = Findings()
    config = small(corpus, max_steps=100, initialize_from="runs/other")
    estimate_time(config, TrainingLength(1000, 40_000, 200, 100), None, None, findings)
    assert not kinds(findings.sorted())


def test_few_updates_in_the_time_are_a_warning_with_the_time_that_would_do(corpus):
    findings = Findings()
    config = small(corpus, max_steps=None, max_epochs=None, patience=None, max_minutes=1)
    estimate_time(config, TrainingLength(1000, 40_000, 200, None), MINUTE, None, findings)
    (warning,) = [finding for finding in findings.sorted() if finding.kind == "few_updates"]
    assert "about 120 updates" in warning.what  # of half a second each
    assert "raise max_minutes to 13 or more" in warning.advice


def test_more_memory_than_there_is_is_a_warning():
    findings = Findings()
    estimate_memory(MINUTE._replace(memory=1 << 60), findings)
    assert [finding.severity for finding in findings.sorted()] == ["warning"]


def test_disk_is_needed_for_checkpoints_and_corpus(corpus, tmp_path):
    class Tokens:
        bytes_per_pair = 100.0

    findings = Findings()
    model = TrialModel("cpu", "float32", 1000, 4000)
    estimates = estimate_disk(small(corpus), tmp_path / "run", model, Tokens(), 1000, None, findings)
    assert estimates["disk_bytes"] == 100_000 + 5 * 4 * 4000  # weights, two moments, average
    estimate_disk(small(corpus), tmp_path / "run", model, Tokens(), 10**15, None, findings)
    assert [finding.exit_code for finding in findings.sorted()] == [None, 5]


@pytest.mark.slow
def test_an_epoch_has_corpora_by_their_weights(corpus, tmp_path):
    sides = {"source": str(corpus.path("training.en")), "target": str(corpus.path("training.fr"))}
    estimates = []
    for train in (sides, [{**sides, "weight": 0.5}, {**sides, "weight": 0.001, "tag": "<bt>"}], {**sides, "weight": 3}):
        config = corpus.config(**SMALL, training={"batch_tokens": 200, "max_steps": 1000}, data={"train": train})
        estimates.append(check(config, tmp_path / "run").estimates["updates_per_epoch"])
    assert estimates[1] == pytest.approx(0.5 * estimates[0], rel=0.1)
    assert estimates[2] == pytest.approx(3 * estimates[0], rel=0.01)
