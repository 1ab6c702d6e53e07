"""A loss, a gradient or a batch that is not finite ends training before the weights take it in; what was saved stays.

One tensor is spoiled at one step, as a fault of the hardware would, and everything after it is the program's.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import nmt.training.gradient
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.trainer import Trainer
from program import Call, Finished
from proofs import Proof
from runs import contents, litter, outcome

STEPS, VALIDATE_EVERY = 30, 4
OPTIONS = [
    f"training={{max_steps: {STEPS}, validate_every: {VALIDATE_EVERY}, batch_tokens: 96, keep_checkpoints: 1000}}",
    "search={beam_size: 1, max_length: 4}",
]
SAVING_EACH_STEP = "training.save_every_minutes=1e-9"
Undo = Callable[[], None]


def spoil_loss(_trainer: Trainer, value: float, _proof: Proof) -> Undo:
    """The loss alone: its gradient stays as it is."""
    whole = nmt.training.gradient.cross_entropy
    nmt.training.gradient.cross_entropy = lambda *some, **more: whole(*some, **more) + value
    return lambda: setattr(nmt.training.gradient, "cross_entropy", whole)


def spoil_gradient(trainer: Trainer, value: float, proof: Proof) -> Undo:
    """One number of the gradient of one tensor."""
    parameter = proof.generator.choice([*trainer._parameters.values()])
    place = proof.generator.randrange(parameter.numel())

    def spoiled(gradient: Tensor) -> Tensor:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        gradient.view(-1)[place] = value
        return gradient

    return parameter.register_hook(spoiled).remove


def spoil_batch(trainer: Trainer, value: float, proof: Proof) -> Undo:
    """One number of a word of the batch, as the encoder gets it."""

    def spoiled(_encoder: torch.nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        embedded = given[0].clone()  # (S, B, E)
        embedded[0, 0, proof.generator.randrange(embedded.shape[2])] = value
        return embedded, *given[1:]

    return trainer._model.encoder.register_forward_pre_hook(spoiled).remove


PLACES = {"loss": spoil_loss, "gradient": spoil_gradient, "batch": spoil_batch}


def digest_of_weights(trainer: Trainer) -> str:
    """Of the weights and of all that the optimizer knows."""
    found = hashlib.sha256()
    for tensor in [*trainer._parameters.values(), *trainer._optimizer.tensors.values()]:
        found.update(tensor.detach().numpy().tobytes())
    return found.hexdigest()


class Fault:
    """Spoils a step of a training, and tells whether the weights were left as they had been before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._spoil: Callable[[Trainer], Undo] | None = None
        self._step = 0
        self._before = ""
        self._trainer: Trainer | None = None
        step_once = Trainer._step

        def step(trainer: Trainer, *prepared: Any) -> None:
            if self._spoil is None or trainer.state.step + 1 != self._step:
                return step_once(trainer, *prepared)
            self._before, self._trainer = digest_of_weights(trainer), trainer
            undo = self._spoil(trainer)
            try:
                return step_once(trainer, *prepared)
            finally:
                undo()

        monkeypatch.setattr(Trainer, "_step", step)

    def at(self, step: int, spoil: Callable[[Trainer], Undo]) -> Self:
        self._step, self._spoil = step, spoil
        return self

    def mended(self) -> None:
        self._spoil = None

    @property
    def left_everything(self) -> bool:
        assert self._trainer is not None, "the step was never reached"
        return digest_of_weights(self._trainer) == self._before


@dataclass(frozen=True)
class Whole:
    """A training that nothing befalls: its outcome, and what it saved after each step."""

    outcome: Any
    saved: dict[str, Any]
    prepared: Path


@pytest.fixture(scope="module")
def train(call: Call, configuration: Path) -> Callable[..., Finished]:
    def begin(run: Path, *options: str) -> Finished:
        overrides = [argument for option in (*OPTIONS, *options) for argument in ("--set", option)]
        return call("train", configuration, "--output", run, *overrides)

    return begin


@pytest.fixture(scope="module")
def whole(train: Callable[..., Finished], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    run = folder / "run"
    assert train(run, SAVING_EACH_STEP).code == 0
    prepared = folder / "prepared"
    others = shutil.ignore_patterns("checkpoints", "best", "last", "metrics.jsonl", "train.log")
    shutil.copytree(run, prepared, ignore=others)
    return Whole(outcome(run), {path.name: contents(path) for path in (run / "checkpoints").iterdir()}, prepared)


def saved_in(run: Path) -> Iterator[Path]:
    """The checkpoints of a run, in which every number has to be finite."""
    for checkpoint in sorted((run / "checkpoints").glob("*")):
        for name in ("model.safetensors", "optimizer.safetensors"):
            spoiled = [key for key, tensor in load_file(checkpoint / name).items() if not tensor.isfinite().all()]
            assert not spoiled, f"{checkpoint.name}: {spoiled}"
        yield checkpoint


@pytest.fixture(params=["at once", pytest.param("later", marks=pytest.mark.slow)])
def noticed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the loss of an update is read: before the optimizer's step, or as on CUDA in the next update."""
    if request.param == "later":
        monkeypatch.setattr(DeviceStrategy, "for_device", lambda device, **_: DeviceStrategy(device, updates_behind=1))


@pytest.mark.usefixtures("noticed")
@pytest.mark.parametrize("place", ["loss", "gradient", pytest.param("batch", marks=pytest.mark.slow)])
@pytest.mark.promise(10, gate=1, full=STEPS // 2)
def test_promise_10_what_is_not_finite_reaches_no_checkpoint(
    place: str,
    proof: Proof,
    train: Callable[..., Finished],
    whole: Whole,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    fault, run = Fault(monkeypatch), tmp_path / "run"
    for step in sorted(proof.generator.sample(range(1, STEPS + 1), proof.count)):
        value, each = proof.generator.choice([math.nan, math.inf, -math.inf]), proof.generator.random() < 0.5
        shutil.copytree(whole.prepared, run)
        with proof.case(f"{value} at step {step}, saved after {'each step' if each else 'validations'}"):
            fault.at(step, lambda trainer, value=value: PLACES[place](trainer, value, proof))
            done = train(run, *[SAVING_EACH_STEP] * each)
            assert (done.code, len(done.errors)) == (6, 1) and f"step {step}:" in done.errors[0], done.err
            assert fault.left_everything
            kept = [checkpoint.name for checkpoint in saved_in(run)]
            last = step - 1 if each else (step - 1) // VALIDATE_EVERY * VALIDATE_EVERY
            assert kept[-1:] == [f"step-{last:08}"] * bool(last) and not litter(run)
            assert all(contents(run / "checkpoints" / name) == whole.saved[name] for name in kept)
            fault.mended()
            assert train(run).code == 0
            assert outcome(run) == whole.outcome
        shutil.rmtree(run)


@pytest.mark.promise(10, gate=1, full=15)
def test_promise_10_a_training_that_really_diverges_saves_only_numbers(
    proof: Proof, train: Callable[..., Finished], tmp_path: Path
) -> None:
    for number in range(proof.count):
        rate, run = 10 ** proof.generator.uniform(20, 38), tmp_path / str(number)
        options = [
            f"training={{learning_rate: {rate}, optimizer: {proof.generator.choice(['adam', 'adamw'])}}}",
            f"training={{clip_norm: {proof.generator.choice(['null', 1.0])}}}",
            f"training={{precision: {proof.generator.choice(['fp32', 'bf16'])}}}",
            f"training={{average_decay: {proof.generator.choice([0, 0.9])}}}",
        ]
        with proof.case(options):
            done = train(run, *options, SAVING_EACH_STEP)
            assert (done.code, len(done.errors)) == (6, 1), done.err
            assert len(list(saved_in(run))) < STEPS and not litter(run)
