"""A training that a signal asks to stop, whatever it does at the time, saves its state and exits with the number."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from forked import ForkedPopen, Forker
from nmt.checkpoint.manifest import verify
from program import environment
from proofs import Proof
from runs import litter

SECONDS_TO_GO = 10.0  # as promised
SECONDS_AT_ONCE = 3.0  # for a process of some size to be gone, on a busy machine
SECONDS_TO_WAIT = 240.0  # for what is about to happen

# The program, which notes what it does and when a signal is heard, so that signals can be sent at a certain time.
OBSERVED = """\
import os
import time

from nmt.__main__ import main
from nmt.training.signals import StopRequest
from nmt.training.trainer import Trainer
from nmt.training.validation import Validator

notes = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(text):
    os.write(notes, (text + os.linesep).encode())


def observe(owner, name, phase):
    whole = getattr(owner, name)

    def observed(*given, **named):
        note("begin " + phase)
        began = time.monotonic()
        result = whole(*given, **named)
        note(f"end {phase} {time.monotonic() - began}")
        return result

    setattr(owner, name, observed)


def hear(request, number, frame, whole=StopRequest._receive):
    note(f"signal {number}")
    whole(request, number, frame)


if __name__ == "__main__":
    observe(Trainer, "_step", "step")
    observe(Validator, "_loss", "validation")
    observe(Validator, "_translate", "search")
    observe(Trainer, "_save", "saving")
    StopRequest._receive = hear
    main()
"""

ENDLESS = ["training={max_steps: 1000000, max_epochs: null, patience: null, validate_every: 1000000, log_every: 1}"]
# So large that a step and a save take a while.
LARGE = [
    "model={embedding_size: 256, readout_size: 256, attention_size: 256}",
    "model={encoder: {hidden_size: 256}, decoder: {hidden_size: 512}}",
]
PHASES = {
    "step": [*LARGE],
    "validation": ["training.validate_every=2", "search={batch_tokens: 32, beam_size: 1, max_length: 2}"],
    # It would go on for much longer than the ten seconds.
    "search": ["training.validate_every=2", "search={beam_size: 128, max_length: 256, max_length_ratio: 1000}"],
    "saving": [*LARGE, "training.save_every_minutes=1e-9"],
}
IN_GATE = ("search", "saving")
LASTING = {"search": 2.0}  # seconds in which signals come; of the others it is measured how long they take
VALIDATION_PAIRS = 400
IMPORTED = "import time:"


@dataclass
class Training:
    """A training as a process of its own, which writes what it says, and perhaps what it does, into files."""

    process: subprocess.Popen[bytes]
    log: Path
    notes: Path

    @property
    def said(self) -> str:
        return "".join(line for line in self._lines if not line.startswith(IMPORTED))

    @property
    def loaded(self) -> list[str]:
        """The modules that it has loaded so far, where Python was told to show them."""
        return [line.rpartition("|")[2].strip() for line in self._lines if line.startswith(IMPORTED)]

    @property
    def _lines(self) -> list[str]:
        return self.log.read_text().splitlines(keepends=True)

    @property
    def noted(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def wait_until(self, came: Callable[[], bool]) -> None:
        until = time.monotonic() + SECONDS_TO_WAIT
        while not came():
            assert self.process.poll() is None and time.monotonic() < until, self.said
            time.sleep(0.002)

    def wait_for(self, note: str, times: int) -> None:
        """Until it has noted this so many times."""
        self.wait_until(lambda: sum(line.startswith(note) for line in self.noted) >= times)

    def send(self, number: signal.Signals) -> None:
        """As a terminal does to all processes that belong together, or a scheduler to one."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def gone_after(self) -> float:
        """The seconds until it has ended, or far more than it may take."""
        began = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(6 * SECONDS_TO_GO)
        return time.monotonic() - began

    @property
    def phase_of_the_signal(self) -> str:
        """What it did when the first signal was heard."""
        now = [""]
        for line in self.noted:
            word, _, rest = line.partition(" ")
            if word == "signal":
                break
            if word == "begin":
                now.append(rest)
            else:
                now.pop()
        return now[-1]

    def lasted(self, phase: str) -> float:
        """The seconds that it took last."""
        return max(float(line.rpartition(" ")[2]) for line in self.noted if line.startswith(f"end {phase} "))


@pytest.fixture(scope="module")
def validation(tmp_path_factory: pytest.TempPathFactory, make_sentences: Callable[[int, int], list[str]]) -> str:
    """A setting for a validation that takes a while."""
    folder = tmp_path_factory.mktemp("validation")
    for seed, side in enumerate(("xx", "yy")):
        lines = make_sentences(VALIDATION_PAIRS, seed)
        (folder / side).write_text("".join(f"{line}\n" for line in lines))
    return f"data.validation={{source: {folder}/xx, target: {folder}/yy}}"


Begin = Callable[..., Training]


@pytest.fixture
def begin(
    configuration: Path, validation: str, forked: Forker, pytestconfig: pytest.Config, tmp_path: Path
) -> Iterator[Begin]:
    """Starts trainings, of which none is left at the end; in the gate, what is not about loading is loaded already."""
    observed = tmp_path / "observed.py"
    observed.write_text(OBSERVED)
    started: list[subprocess.Popen[bytes]] = []

    def start(run: Path, options: list[str], program: tuple[object, ...] = (observed,)) -> Training:
        name = f"training-{len(started)}"
        log, notes = tmp_path / f"{name}.log", tmp_path / f"{name}.notes"
        overrides = [argument for option in (*ENDLESS, validation, *options) for argument in ("--set", option)]
        arguments = [sys.executable, *program, "train", configuration, "--output", run, *overrides]
        is_loaded_before = program == (observed,) and not pytestconfig.option.full
        popen = partial(ForkedPopen, forked) if is_loaded_before else subprocess.Popen
        with log.open("wb") as file:
            process = popen(
                [*map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=file,
                env=environment(NOTES=str(notes)),
                start_new_session=True,
            )
        started.append(process)
        return Training(process, log, notes)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def assert_left(training: Training, number: signal.Signals, seconds: float) -> None:
    """It has gone as it was asked to, and had nothing to say against it."""
    assert training.process.poll() is not None, "it goes on"
    assert training.process.returncode == 128 + number, training.said
    assert training.process.stdout is not None and training.process.stdout.read() == b""
    assert seconds < SECONDS_TO_GO, f"{seconds:.1f} s"
    assert not re.search("error|Traceback|warning", training.said), training.said


def assert_saved(training: Training, run: Path) -> None:
    """What it saved is whole, and is what it says."""
    (step,) = re.findall(r"stopped at step ([\d,]+);", training.said)
    last = (run / "last").read_text().strip()
    assert last == f"step-{int(step.replace(',', '')):08}"
    assert verify(run / "checkpoints" / last) == []
    assert litter(run) == []


@pytest.mark.parametrize(
    "phase", [pytest.param(phase, marks=[] if phase in IN_GATE else [pytest.mark.slow]) for phase in PHASES]
)
@pytest.mark.promise(12, gate=1, full=20)
def test_promise_12_whatever_it_does_it_saves_and_goes(phase: str, proof: Proof, begin: Begin, tmp_path: Path) -> None:
    run, lasts, hits, last = tmp_path / "run", LASTING.get(phase, 0.0), 0, ""
    while hits < proof.count:
        assert proof.tried < 10 + 3 * proof.count, f"only {hits} of {proof.tried} signals came in the phase"
        number = (signal.SIGTERM, signal.SIGINT)[hits % 2]
        training = begin(run, PHASES[phase])
        training.wait_for(f"begin {phase}", 1 if lasts else 2)
        lasts = lasts or training.lasted(phase)
        moment = proof.generator.uniform(0, lasts)
        time.sleep(moment)
        with proof.case(f"{number.name} after {moment:.3f} s"):
            training.send(number)
            assert_left(training, number, training.gone_after())
            assert_saved(training, run)
            assert not last or f"going on from step {int(last):,} " in training.said, training.said
        last = (run / "last").read_text().strip().removeprefix("step-")
        hits += training.phase_of_the_signal == phase


@pytest.mark.promise(12, gate=1, full=20)
def test_promise_12_while_it_starts_it_goes(proof: Proof, begin: Begin, tmp_path: Path) -> None:
    program = ("-X", "importtime", "-m", "nmt")
    measured = begin(tmp_path / "measured", [], program)
    measured.wait_until(partial(hears, measured.process, signal.SIGTERM))
    began = time.monotonic()
    measured.wait_until(lambda: "step 1," in measured.said)
    lasts, modules = time.monotonic() - began, len(measured.loaded)
    measured.send(signal.SIGTERM)
    for case in range(proof.count):
        number, run = (signal.SIGTERM, signal.SIGINT)[case % 2], tmp_path / str(case)
        training = begin(run, [], program)
        training.wait_until(partial(hears, training.process, signal.SIGTERM))
        if case < 2:  # torch loads it, and goes on without it if that fails
            moment = "while NumPy is loaded"
            training.wait_until(lambda training=training: any(name.startswith("numpy.") for name in training.loaded))
        elif case % 4 < 2:
            count = proof.generator.randrange(modules)
            moment = f"after {count} of {modules} modules"
            training.wait_until(lambda training=training, count=count: len(training.loaded) >= count)
        else:
            seconds = proof.generator.uniform(0, lasts)
            moment = f"after {seconds:.3f} s"
            time.sleep(seconds)
        with proof.case(f"{number.name} {moment}"):
            training.send(number)
            assert_left(training, number, training.gone_after())
            assert litter(run) == []
            if (run / "last").exists():
                assert_saved(training, run)


def hears(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    """Whether the process has begun to handle that signal itself; before, the system does it as by default."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(re.findall(r"SigCgt:\s*(\w+)", status)[0], 16)
    return bool(caught >> (number - 1) & 1)


@pytest.mark.promise(12, gate=1, full=12)
def test_promise_12_a_second_sigint_leaves_at_once(proof: Proof, begin: Begin, tmp_path: Path) -> None:
    cases = 0
    while cases < proof.count:
        assert proof.tried < 10 + 3 * proof.count, f"only {cases} of {proof.tried} trainings took a second signal"
        phase = list(PHASES)[(cases + 3) % len(PHASES)]
        run = tmp_path / phase
        training = begin(run, PHASES[phase])
        training.wait_for(f"begin {phase}", 1)
        with proof.case(phase):
            training.send(proof.generator.choice([signal.SIGINT, signal.SIGTERM]))
            training.wait_for("signal", 1)
            training.send(signal.SIGINT)
            seconds = training.gone_after()
            # It may have been quicker than the second signal, and then shows nothing here.
            if twice := sum(line.startswith("signal") for line in training.noted) == 2:
                assert seconds < SECONDS_AT_ONCE and training.noted[-1] == f"signal {signal.SIGINT.value}"
                assert training.process.returncode == 128 + signal.SIGINT
                assert "stopped at step" not in training.said
            cases += twice
