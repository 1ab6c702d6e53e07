"""Training from a script without a guard: from a file, from standard input, and as a module."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import nmt
print("the script runs")
config = nmt.load_config({configuration!r}, ["training={{max_steps: 2, validate_every: 2}}"])
print(nmt.train(config, {run!r}))
"""
WAYS = {"module": ["-m", "script"], "standard input": ["-"], "file": ["{path}"]}


@pytest.fixture(scope="module")
def large(make_corpus: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that several processes encode."""
    folder = tmp_path_factory.mktemp("large")
    make_corpus(folder / "data", training_pairs=9000)
    return folder / "data"


@pytest.mark.parametrize(
    "way", [*(pytest.param(way, marks=pytest.mark.slow) for way in ("argument", "standard input")), "file"]
)
def test_a_script_needs_no_guard(
    way: str,
    large: Path,
    make_configuration: Callable[..., str],
    user_environment: Callable[..., dict[str, str]],
    tmp_path: Path,
) -> None:
    configuration, path = tmp_path / "my.yaml", tmp_path / "script.py"
    configuration.write_text(make_configuration(large))
    program = SCRIPT.format(configuration=str(configuration), run=str(tmp_path / "run"))
    path.write_text(program)
    command = [sys.executable, *(word.replace("{path}", str(path)) for word in WAYS[way])]
    given = program if way == "standard input" else ""
    folders = os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path)])
    done = subprocess.run(
        command, input=given, env=user_environment(PYTHONPATH=folders), capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["the script runs", "max_steps 2 reached"], done.stderr
    for complaint in ("Traceback", "__main__", "freeze_support", "Error"):
        assert complaint not in done.stderr
