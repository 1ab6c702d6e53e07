"""Training that is stopped after any step, and goes on, ends as if it had never been stopped: bit for bit."""

from __future__ import annotations

import hashlib
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from nmt.training.batches import TensorBatch, Update
from nmt.training.trainer import Trainer
from program import Call, Finished
from proofs import Proof
from runs import contents, outcome

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

# Some twenty updates make an epoch, so that most stops are inside one. The gate trains fewer steps.
STEPS, STEPS_IN_GATE = 60, 24
VARIANTS = {
    "patience": [
        "training={schedule: plateau, plateau_patience: 3, learning_rate: 3e-2, validate_every: 4}",
        "training={guided_alignment: 0.3, r_drop: 1.0}",
        "model={dropout: 0.3, word_dropout: 0.1, layer_norm: true}",
    ],
    "accumulation": [
        "training={accumulation: 3, average_decay: 0.9, early_stopping_metric: perplexity, validate_every: 7}",
        "model={dropout: 0.2, variational_dropout: true}",
        "tokenizer.subword_regularization=0.2",
    ],
    "bf16": [
        "training={precision: bf16, optimizer: adamw, weight_decay: 0.01, r_drop: 1.5}",
        "training={early_stopping_metric: chrf, validate_every: 6}",
        "training={schedule: inverse_sqrt, warmup_steps: 20}",
        "tokenizer={kind: bpe, vocabulary_size: 100, subword_regularization: 0.1}",
    ],
    # Of its corpora, one comes every other epoch and the other three times in two.
    "mixture": [
        "data.train=[{source: DATA/train.xx, target: DATA/train.yy, weight: 0.5, tag: <a>}, "
        "{source: DATA/train.xx, target: DATA/train.yy, weight: 1.5, tag: <b>}]",
        "data.validation.tag=<b>",
        "training.validate_every=6",
        "model.dropout=0.2",
        "tokenizer.subword_regularization=0.2",
    ],
}
OF_ALL = ["training={log_every: 5, batch_tokens: 96}", "search={beam_size: 1, max_length: 4}"]
OF_VALIDATION = (
    *("validated_step", "best_score", "best_perplexity", "best_step"),
    *("validations_without_gain", "plateau_validations", "reductions"),
)
SAVING_EACH_STEP = ["training={save_every_minutes: 1e-9, keep_checkpoints: 1000}"]


class Taken(NamedTuple):
    """What a step took: the pairs of each part, and random numbers, by the state it left their generator in."""

    step: int
    pairs: list[list[int]]
    generator: str


@dataclass
class Watched:
    """A training inside this process: what its steps took, and after which of them a signal comes."""

    call: Call
    configuration: Path
    options: list[str]
    signals: dict[int, signal.Signals] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    def __call__(self, run: Path, more: Iterable[str] = ()) -> Finished:
        overrides = [argument for option in [*self.options, *more] for argument in ("--set", option)]
        return self.call("train", self.configuration, "--output", run, *overrides)

    def until_stopped(self, run: Path, step: int) -> Finished:
        """Trains until the signal that comes after a step has ended it."""
        number = self.signals[step] = SIGNALS[step % len(SIGNALS)]
        done = self(run)
        assert (done.code, done.out, done.errors) == (128 + number, b"", []), done.err
        assert not self.signals and f"stopped at step {step};" in done.err, done.err
        return done

    def to_the_end(self, run: Path) -> Finished:
        done = self(run)
        assert done.code == 0, done.err
        return done


@pytest.fixture
def watched(call: Call, configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], Watched]:
    """Makes trainings that are watched, one at a time."""
    now: list[Watched] = []
    step_once = Trainer._step

    def step(self: Trainer, update: Update, parts: list[TensorBatch]) -> None:
        step_once(self, update, parts)
        pairs = [part.indices.tolist() for part in update.parts]
        generator = hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()
        now[-1].taken.append(Taken(self.state.step, pairs, generator))
        if (number := now[-1].signals.pop(self.state.step, None)) is not None:
            signal.raise_signal(number)

    monkeypatch.setattr(Trainer, "_step", step)

    def make(options: list[str]) -> Watched:
        now.append(Watched(call, configuration, options))
        return now[-1]

    return make


@dataclass(frozen=True)
class Whole:
    """What a training leaves that nobody stops; it was saved after each step."""

    steps: int
    outcome: Any
    taken: list[Taken]
    saved: dict[int, Any]  # by step, what a checkpoint of it holds
    prepared: Path  # its tokenizer and corpus alone

    def stopped_after(self, step: int) -> Any:
        """What a checkpoint holds that is saved because of a signal: a validation that is due comes when resumed."""
        before = self.saved.get(step - 1, self.saved[step])["state"]
        scores = {name: before[name] for name in OF_VALIDATION}
        return {**self.saved[step], "state": self.saved[step]["state"] | scores}


@pytest.fixture(params=list(VARIANTS))
def options(request: pytest.FixtureRequest, proof: Proof, data: Path) -> list[str]:
    """Those of a variant."""
    steps = STEPS if proof.full else STEPS_IN_GATE
    variant = [option.replace("DATA", str(data)) for option in VARIANTS[request.param]]
    made = [*OF_ALL, f"training.max_steps={steps}", *variant]
    # So little training scores no BLEU, and so patience ends it, at the step where the others reach their limit.
    return made if request.param != "patience" else [*made, f"training={{max_steps: null, patience: {steps // 4 - 1}}}"]


@pytest.fixture
def whole(options: list[str], watched: Callable[[list[str]], Watched], tmp_path: Path) -> Whole:
    """The variant trained without a stop, and saved after each step, to compare stopped trainings with."""
    training, run = watched(options), tmp_path / "whole"
    assert training(run, SAVING_EACH_STEP).code == 0
    saved = {int(path.name.removeprefix("step-")): contents(path) for path in (run / "checkpoints").iterdir()}
    others = shutil.ignore_patterns("checkpoints", "best", "last", "metrics.jsonl", "train.log")
    prepared = shutil.copytree(run, tmp_path / "prepared", ignore=others)
    return Whole(len(saved), outcome(run), training.taken, saved, prepared)


def assert_ended_alike(training: Watched, run: Path, whole: Whole) -> None:
    assert training.taken == whole.taken
    assert outcome(run) == whole.outcome


@pytest.mark.slow
@pytest.mark.promise(3, gate=1, full=STEPS)
def test_promise_03_stopped_after_any_step_training_ends_as_if_never_stopped(
    proof: Proof, options: list[str], whole: Whole, watched: Callable[[list[str]], Watched], tmp_path: Path
) -> None:
    assert whole.steps == STEPS
    for step in range(1, whole.steps + 1):
        training, run = watched(options), tmp_path / "run"
        shutil.copytree(whole.prepared, run)
        with proof.case(step):
            training.until_stopped(run, step)
            assert contents(run / "checkpoints" / f"step-{step:08}") == whole.stopped_after(step)
            training.to_the_end(run)
            assert_ended_alike(training, run, whole)
        shutil.rmtree(run)


@pytest.mark.promise(3, gate=2, full=STEPS)
def test_promise_03_stopped_again_and_again_training_ends_as_if_never_stopped(
    proof: Proof, options: list[str], whole: Whole, watched: Callable[[list[str]], Watched], tmp_path: Path
) -> None:
    training, run = watched(options), tmp_path / "run"
    for step in sorted(proof.generator.sample(range(1, whole.steps + 1), proof.count)):
        with proof.case(step):
            training.until_stopped(run, step)
            assert contents(run / "checkpoints" / f"step-{step:08}") == whole.stopped_after(step)
    training.to_the_end(run)
    assert_ended_alike(training, run, whole)
