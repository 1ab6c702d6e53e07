"""One training at a time writes to a run directory, and what a crash left there goes when the next one starts."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from nmt.io.locks import RunLock
from program import Call, Finished, environment
from proofs import Proof
from runs import digest, litter

# Trains without end, and saves all the time.
BUSY = [
    *("--set", "training={max_steps: 1000000, max_epochs: null, patience: null, validate_every: 3}"),
    *("--set", "training={save_every_minutes: 1e-9, keep_checkpoints: 1, log_every: 1}"),
    *("--set", "search={beam_size: 1, max_length: 4}"),
]
TO_ITS_END = [*BUSY, "--set", "training.max_steps=1"]  # of any checkpoint that BUSY left, with one more validation
SECONDS_TO_WAIT = 120.0
HEAVY = {"torch", "numpy", "sentencepiece", "sacrebleu"}

Start = Callable[..., "subprocess.Popen[bytes]"]


def assert_refused(done: Finished, holder: int) -> None:
    """A second trainer, told to show its imports, has left before it loaded anything that takes time."""
    assert (done.code, done.out) == (75, b""), done.err
    assert len(done.errors) == 1 and f"in use by process {holder}" in done.errors[0], done.err
    modules = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert "nmt.io.atomic_files" in modules and not modules & HEAVY, modules & HEAVY


def tree(run: Path) -> dict[str, str]:
    return {str(path): digest(path) if path.is_file() else "" for path in run.rglob("*")}


@pytest.mark.promise(9, gate=1, full=10)
def test_promise_09_a_second_trainer_writes_nothing(
    proof: Proof, process: Call, configuration: Path, model: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    for number in range(proof.count):
        if number % 2:
            run.mkdir()
        else:
            shutil.copytree(model, run)
        with proof.case(number), RunLock(run):
            before = tree(run)
            more = ["--restart"] if number % 3 == 2 else []
            shown = environment(PYTHONPROFILEIMPORTTIME="1")
            assert_refused(process("train", configuration, "--output", run, *BUSY, *more, env=shown), os.getpid())
            assert tree(run) == before
        shutil.rmtree(run)


@pytest.mark.promise(9, gate=3, full=30)
def test_promise_09_of_trainers_that_meet_one_goes_on(
    proof: Proof, start: Start, process: Call, configuration: Path, tmp_path: Path
) -> None:
    arguments, shown = ("train", configuration, "--output", tmp_path / "run", *BUSY), {"PYTHONPROFILEIMPORTTIME": "1"}
    racing: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(3):
            with (tmp_path / f"said-{number}").open("wb") as said:
                racing.append(start(*arguments, stderr=said, env=environment(**shown)))
        until = time.monotonic() + SECONDS_TO_WAIT
        while sum(trainer.poll() is None for trainer in racing) > 1:
            assert time.monotonic() < until, "more than one goes on"
            time.sleep(0.05)
        (first,) = (trainer for trainer in racing if trainer.poll() is None)
        for number, trainer in enumerate(racing):
            if trainer is not first:
                with proof.case("at the same moment"):
                    err = (tmp_path / f"said-{number}").read_text()
                    assert_refused(Finished(trainer.returncode, b"", err), first.pid)
        while proof.tried < proof.count:
            more = ["--restart"] if proof.tried % 3 == 2 else []
            with proof.case("while the first trains"):
                assert_refused(process(*arguments, *more, env=environment(**shown)), first.pid)
        first.send_signal(signal.SIGTERM)
        assert first.wait(SECONDS_TO_WAIT) == 143
        assert not litter(tmp_path / "run")
    finally:
        for trainer in racing:
            trainer.kill()
            trainer.wait()


class Crash(NamedTuple):
    """How a training ends that was not asked to: what it has said before, what it did then, and what happens to it."""

    word: bytes
    seconds: float | None  # since then; None: once it is writing something
    limit: tuple[int, int] | None  # a limit of the system's, which makes exceptions where it is met
    number: signal.Signals


# What a new training says, and what one that goes on; nothing, for a crash while it still starts.
BEGINNING = [b"", b"tokenizer: ", b"training corpus", b"model: ", b"step 1,", b"validation at"]
GOING_ON = [b"", b"training corpus", b"going on from", b"step ", b"validation at"]
STARTING_SECONDS = 2.0


def random_crash(proof: Proof, words: list[bytes]) -> Crash:
    chance = proof.generator
    word, limit = chance.choice(words), None
    seconds = None if chance.random() < 0.4 else chance.uniform(0, 0.3 if word else STARTING_SECONDS)
    if seconds is not None and chance.random() < 0.4:
        size = round(10 ** chance.uniform(3, 5)) if chance.random() < 0.7 else chance.randint(1 << 28, 3 << 30)
        limit = (resource.RLIMIT_FSIZE if size < 1 << 20 else resource.RLIMIT_AS, size)
    return Crash(word, seconds, limit, chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]))


def is_writing(run: Path) -> bool:
    try:
        return bool(litter(run))
    except FileNotFoundError:  # a folder has gone while it was looked into
        return False


def crash(start: Start, how: Crash, configuration: Path, run: Path, *more: str, temporary: Path) -> None:
    """Trains until it crashes, or comes to its end by the limit before that."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if how.limit:
            resource.setrlimit(how.limit[0], (how.limit[1], how.limit[1]))

    arguments = ("train", configuration, "--output", run, *BUSY, *more)
    running = start(*arguments, preexec_fn=limited, env=environment(TMPDIR=str(temporary)))
    said, until = b"", time.monotonic() + SECONDS_TO_WAIT
    with running:
        try:
            while how.word not in said and (line := running.stderr.readline()):
                said += line
                assert time.monotonic() < until, f"{how.word!r} is never said: {said.decode()}"
            if how.seconds is not None:
                time.sleep(how.seconds)
            while how.seconds is None and not is_writing(run):
                assert running.poll() is None and time.monotonic() < until, said.decode()
            running.send_signal(how.number)
            said += running.stderr.read()
        finally:
            running.kill()  # which does nothing to one that has ended
    assert running.returncode == -how.number or how.limit, said.decode()


@pytest.mark.promise(9, gate=1, full=50)
def test_promise_09_crashes_leave_no_temporary_file_after_the_next_start(
    proof: Proof, start: Start, call: Call, configuration: Path, tmp_path: Path
) -> None:
    run, temporary, left = tmp_path / "run", tmp_path / "temporary", 0
    temporary.mkdir()
    for number in range(proof.count):
        if proof.generator.random() < 0.25:
            shutil.rmtree(run, ignore_errors=True)
        more = ["--restart"] if proof.generator.random() < 0.25 else []
        how = random_crash(proof, GOING_ON if (run / "last").exists() and not more else BEGINNING)
        if not number:
            how = Crash(b"step 1,", None, None, signal.SIGKILL)
        with proof.case(f"{number}: {how} {more}"):
            crash(start, how, configuration, run, *more, temporary=temporary)
            left += bool(litter(run))
            done = call("train", configuration, "--output", run, *TO_ITS_END)
            assert done.code == 0, done.err
            # Each of torch's optimizers makes that folder for a cache, and leaves it empty.
            others = [path for path in temporary.rglob("*") if not path.name.startswith("torchinductor_")]
            assert litter(run) == [] and others == []
    assert left, "no crash left anything to remove"
