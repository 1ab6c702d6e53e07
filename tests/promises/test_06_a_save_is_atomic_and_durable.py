"""Promise 6: a save is atomic and durable."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import saving
from forked import StartForked
from nmt.checkpoint.checkpoint import load_checkpoint
from nmt.checkpoint.manifest import verify
from nmt.checkpoint.restart import clean
from nmt.checkpoint.run_directory import checkpoints, use_latest, use_model
from program import Call, environment
from proofs import Proof
from runs import litter, outcome

MEASURED_SAVES = 20
STEPS = 40
INTERVAL = 8
OPTIONS = [
    *("--set", "training={accumulation: 2, average_decay: 0.9, schedule: plateau, plateau_patience: 1}"),
    *("--set", f"training={{max_steps: {STEPS}, validate_every: {INTERVAL}, log_every: 1, keep_checkpoints: 1}}"),
    *("--set", "training={precision: bf16, patience: 30, batch_tokens: 96}"),
    *("--set", "tokenizer.subword_regularization=0.2"),
    *("--set", "search.beam_size=1"),
]


class SavingProcess:
    """The process of `saving.py`, or rather the one of its children that saves at present."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server
        self._child = 0

    def start(self, run: Path, number: int) -> None:
        """Lets a new child save from that save on."""
        print(number, run, file=self._server.stdin, flush=True)
        self._child = int(self.line())

    def line(self) -> str:
        """What the child says next: `saving N` or `saved N`."""
        return self._server.stdout.readline().removesuffix("\n")

    def kill(self) -> list[str]:
        """Kills the child, and gives what it had said meanwhile."""
        os.kill(self._child, signal.SIGKILL)
        return list(iter(self.line, "killed"))


@pytest.fixture
def saving_process() -> Iterator[SavingProcess]:
    with subprocess.Popen(
        [sys.executable, saving.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as server:
        yield SavingProcess(server)
        server.communicate(timeout=60)


def measured(process: SavingProcess, run: Path) -> tuple[float, list[str]]:
    """Lets the process save for a while: the seconds that a save takes here and now, and all that it said."""
    process.start(run, 2)
    said = [process.line()]
    began = time.monotonic()
    said += [process.line() for _ in range(2 * MEASURED_SAVES)]
    seconds = (time.monotonic() - began) / MEASURED_SAVES
    return seconds, said + process.kill()


def assert_whole(run: Path, before: int, said: list[str]) -> int:
    """Sees that the run directory of a killed process is as promised; the number of its last save.

    `before` is the number of the last save before this process, and `said` what the process has said.
    """
    saved = [int(line.removeprefix("saved ")) for line in said if line.startswith("saved ")]
    last_saved = max(saved, default=before)
    warnings: list[str] = []
    saving.number_of(use_model(run, warnings.append, load_checkpoint))  # for translation
    clean(run)
    assert litter(run) == []
    assert [problem for checkpoint in checkpoints(run) for problem in verify(checkpoint)] == []
    if saved:  # and so removed what is no longer needed: the best, the last and one that is not marked yet are left
        assert len(checkpoints(run)) <= saving.KEPT + 3
    last = use_latest(run, warnings.append, load_checkpoint)
    assert last is not None and last.directory.name == (run / "last").read_text().strip()
    number = saving.number_of(last)
    assert number in (last_saved, last_saved + 1), (number, said)
    return number


@pytest.mark.promise(6, gate=20, full=200)
def test_promise_06_killed_while_it_saves_the_last_save_is_whole(
    proof: Proof, saving_process: SavingProcess, tmp_path: Path
) -> None:
    seconds, said = measured(saving_process, tmp_path)
    number, interrupted = assert_whole(tmp_path, 0, said), 0
    for case in range(proof.count):
        saving_process.start(tmp_path, number + 1)
        said = [saving_process.line()]
        moment = proof.generator.uniform(0, 2 * seconds)
        time.sleep(moment)
        said += saving_process.kill()
        interrupted += bool(litter(tmp_path))
        with proof.case(f"{case}, killed after {moment:.4f} s: {said}"):
            number = assert_whole(tmp_path, number, said)
    # About two of five; of the few kills in the gate chance may leave one.
    assert interrupted > (proof.count / 4 if proof.full else 0), (
        f"only {interrupted} kills came while something was being written"
    )


class Uninterrupted(NamedTuple):
    """A training that nobody killed: what it left, and the seconds to its first step and from there to its end."""

    left: tuple[Any, ...]
    starting: float
    training: float


class Killed(NamedTuple):
    """When to kill a training: some seconds after it began or, the word being given, after it has said that."""

    word: str
    seconds: float


@pytest.fixture(scope="module")
def uninterrupted(
    start_forked: StartForked, configuration: Path, tmp_path_factory: pytest.TempPathFactory
) -> Uninterrupted:
    run = tmp_path_factory.mktemp("uninterrupted") / "run"
    began = time.monotonic()
    with start_forked("train", configuration, "--output", run, *OPTIONS) as running:
        said_until(running, "model: ")
        started = time.monotonic()
        said = running.stderr.read()
    assert running.returncode == 0, said
    return Uninterrupted(outcome(run), started - began, time.monotonic() - started)


def said_until(running: subprocess.Popen[bytes], word: str) -> str:
    """What the process says up to the line with that word."""
    said = ""
    for line in running.stderr:
        said += line.decode()
        if word in said:
            break
    return said


def train_and_kill(start: StartForked, configuration: Path, run: Path, killed: Killed) -> tuple[bool, str]:
    """Trains until it is killed: whether it came to its end before, and what it said."""
    with start("train", configuration, "--output", run, *OPTIONS) as running:
        said = said_until(running, killed.word) if killed.word else ""
        time.sleep(killed.seconds)
        running.kill()
        said += running.stderr.read().decode()
    assert running.returncode in (0, -signal.SIGKILL), said
    return running.returncode == 0, said


def reached(run: Path) -> int:
    """The last step that the metrics tell of."""
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True) if (run / "metrics.jsonl").exists() else []
    return max((json.loads(line)["step"] for line in lines if line.endswith(b"\n")), default=0)


def saved(run: Path) -> int:
    """The step of the last save."""
    return int((run / "last").read_text().strip().removeprefix("step-")) if (run / "last").exists() else 0


@pytest.mark.promise(6, gate=1, full=30)
def test_promise_06_killed_anywhere_a_training_loses_an_interval_at_most_and_ends_equal(
    proof: Proof,
    start_forked: StartForked,
    call: Call,
    configuration: Path,
    uninterrupted: Uninterrupted,
    tmp_path: Path,
) -> None:
    moments = [("", uninterrupted.starting), ("model: ", uninterrupted.training)]
    while proof.tried < proof.count:
        run = tmp_path / f"run-{proof.tried}"
        ended, before = False, 0
        while proof.tried < proof.count and not ended:
            word, most = proof.generator.choice(moments)
            killed = Killed(word, proof.generator.uniform(0, most))
            ended, said = train_and_kill(start_forked, configuration, run, killed)
            assert set(re.findall(r"going on from step (\d+)", said)) <= {str(before)}, said
            before = saved(run)
            if not ended:
                assert reached(run) - before <= INTERVAL, (killed, said)
                proof.counted(1)
        done = call("train", configuration, "--output", run, *OPTIONS)
        assert done.code == 0 and (ended or not before or re.search(rf"going on from step {before}\b", done.err)), (
            done.err
        )
        assert outcome(run) == uninterrupted.left
        assert litter(run) == []
