"""Signals to a command that has nothing to save end it quietly, also while it is still being loaded."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from program import command, environment


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("module", ["nmt.cli", "numpy._core"])
def test_a_signal_while_modules_are_loaded_ends_a_command_with_its_number(
    module: str, number: signal.Signals, model: Path
) -> None:
    arguments = command("info", model, flags=("-X", "importtime"))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as running:
        assert any(line.rpartition(b"|")[2].strip() == module.encode() for line in running.stderr)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (128 + number, b"")
    assert not [line for line in err.splitlines() if not line.startswith(b"import time:")]


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("nmt.cli", signal.SIGINT),
        ("numpy._core", signal.SIGTERM),
        ("torch", signal.SIGINT),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (("nmt.cli", signal.SIGTERM), ("numpy._core", signal.SIGINT), ("torch", signal.SIGTERM))
        ),
    ],
)
def test_a_training_that_is_stopped_says_so_however_early(module, number, configuration, tmp_path):
    limits = ["--output", str(tmp_path / "run"), "--set", "training.max_steps=1000000"]
    arguments = command("train", configuration, *limits, flags=("-X", "importtime"))
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, env=environment()) as running:
        assert any(line.rpartition(b"|")[2].strip() == module.encode() for line in running.stderr)
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    said = [line for line in err.decode().splitlines() if not line.startswith("import time:")]
    assert said[-1].removesuffix("; the same command can be run again") == (
        "interrupted" if number == signal.SIGINT else "terminated"
    )
    assert sum("interrupted" in line or "terminated" in line for line in said) == 1
