"""Training that is stopped, by a signal or by a crash, and goes on as if it had never been."""

import signal
import time

import pytest

from nmt.training.validation import Validator
from runs import litter, outcome

STEPS = 24
OPTIONS = [
    *("--set", "training={accumulation: 2, average_decay: 0.9, schedule: plateau, plateau_patience: 1}"),
    *("--set", "training={precision: bf16, log_every: 5, validate_every: 6, patience: 30, batch_tokens: 96}"),
    *("--set", "tokenizer.subword_regularization=0.2"),
    *("--set", "search.beam_size=1"),
    *("--set", f"training.max_steps={STEPS}"),
]


@pytest.fixture(scope="session")
def whole(call, configuration, tmp_path_factory):
    """What a run leaves that nobody interrupts."""
    run = tmp_path_factory.mktemp("whole") / "run"
    done = call("train", configuration, "--output", run, *OPTIONS)
    assert done.code == 0, done.err
    return outcome(run)


def test_stopped_before_the_first_step_it_resumes(call, configuration, whole, monkeypatch, tmp_path):
    run = tmp_path / "run"
    make = Validator.__init__

    def make_and_signal(self, *arguments):
        make(self, *arguments)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Validator, "__init__", make_and_signal)
        done = call("train", configuration, "--output", run, *OPTIONS)
    assert done.code == 130, done.err
    done = call("train", configuration, "--output", run, *OPTIONS)
    assert done.code == 0, done.err
    assert outcome(run) == whole


def test_stopped_in_a_validation_it_resumes(call, configuration, whole, monkeypatch, tmp_path):
    run = tmp_path / "run"
    translate = Validator._translate

    def translate_and_signal(self, *arguments):
        signal.raise_signal(signal.SIGINT)
        return translate(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Validator, "_translate", translate_and_signal)
        done = call("train", configuration, "--output", run, *OPTIONS)
    assert (done.code, done.out) == (130, b""), done.err
    assert (run / "last").read_text() == "step-00000006\n"
    assert done.err.endswith("\ninterrupted and stopped at step 6; the same command goes on from here\n")
    assert done.err.count("stopped") == done.err.count("interrupted") == 1
    done = call("train", configuration, "--output", run, *OPTIONS)
    assert done.code == 0, done.err
    assert outcome(run) == whole


def read_until(running, *words):
    """Reads standard error up to a line that holds one of the words, and gives that word."""
    for line in running.stderr:
        for word in words:
            if word in line:
                return word
    raise AssertionError(f"standard error never told of {words}")


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (signal.SIGTERM, b"tokenizer: training"),
        (signal.SIGINT, b"training corpus"),
        (signal.SIGHUP, b"step 5"),
    ],
)
def test_a_signal_saves_and_exits_with_its_number(number, word, start_forked, configuration, tmp_path):
    run = tmp_path / "run"
    options = ["--set", "training={max_steps: 1000000, log_every: 5, validate_every: 6}", "--set", "search.beam_size=1"]
    running = start_forked("train", configuration, "--output", run, *options)
    with running:
        read_until(running, word)
        running.send_signal(number)
        began = time.monotonic()
        rest = running.stderr.read()
        assert running.wait(30) == 128 + number, rest
        assert time.monotonic() - began < 10
    assert b"Traceback" not in rest and b"error" not in rest
    if word == b"step 5":
        assert (run / "last").exists()
    if word == b"tokenizer: training":
        assert rest.endswith(b"\nterminated; the same command can be run again\n") or rest.startswith(b"terminated;")
    assert not litter(run)


def test_a_killed_restart_loses_nothing_of_the_earlier_training(start_forked, call, configuration, tmp_path):
    run = tmp_path / "run"
    assert call("train", configuration, "--output", run, "--set", "training.max_steps=6").code == 0
    before = outcome(run)
    endless = ["--set", "training={max_steps: 1000000, validate_every: 1000000}", "--restart"]
    running = start_forked("train", configuration, "--output", run, *endless)
    with running:
        read_until(running, b"step 5")
        assert not (run / "last").exists()
        running.kill()
    done = call("train", configuration, "--output", run, "--set", "training.max_steps=6")
    assert done.code == 0 and "finished already" in done.err
    assert outcome(run) == before
    assert not litter(run)
