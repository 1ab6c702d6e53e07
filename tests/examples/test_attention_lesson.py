"""The lesson's notebook runs from top to bottom on a quick-start model, and computes what the model did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/attention_lesson.ipynb"

EXECUTE = """
import sys

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=300).execute()
nbformat.write(notebook, sys.argv[1])
"""

# What the notebook computed, beside what the program says, as the last thing that it prints.
SUMMARY = """
import json

pairs = {
    "softmax": (weights_by_hand, trace.weights[step]),
    "context": (context_by_hand, trace.contexts[step]),
    "decoder": (np.stack([weights for weights, _ in steps]), trace.weights),
    "probabilities": (
        np.array([probabilities[token] for token, (_, probabilities) in zip(tokens, steps)]),
        np.array([choice.probability for choice in trace.choices]),
    ),
}
print(json.dumps({name: [values.tolist() for values in pair] for name, pair in pairs.items()}))
"""


def run(*arguments: object, folder: Path) -> str:
    """Runs Python, and returns what it says on standard error."""
    search = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": search}, capture_output=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the corpus and the model of the quick start, after few updates."""
    for package in ("nbclient", "ipykernel"):
        pytest.importorskip(package, reason="needs the extra notebook: pip install --editable '.[notebook]'")
    folder = tmp_path_factory.mktemp("lesson")
    run("-m", "examples.quickstart_corpus", folder=folder)
    few = ("training.max_steps=60", "training.warmup_steps=20", "training.validate_every=60", "search.max_length=20")
    settings = [argument for setting in few for argument in ("--set", setting)]
    told = run("-m", "nmt", "train", ROOT / "configs/quickstart.yaml", "--device", "cpu", *settings, folder=folder)
    assert "warning" not in told, told  # of a vocabulary, say, that the corpus cannot fill
    return folder


@pytest.fixture(scope="module")
def executed(quickstart: Path) -> dict[str, list[dict[str, Any]]]:
    """The outputs of each cell by its id."""
    lesson = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    summary = {"id": "summary", "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    lesson["cells"].append(summary | {"source": SUMMARY})
    given = quickstart / "lesson.ipynb"
    given.write_text(json.dumps(lesson), encoding="utf-8")
    # A process of its own: nbclient and what it brings along have warnings of theirs, which are errors here.
    run("-c", EXECUTE, given, folder=quickstart)
    cells = json.loads(given.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: cell["outputs"] for cell in cells if cell["cell_type"] == "code"}


def printed(outputs: list[dict[str, Any]]) -> str:
    return "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")


def shown(outputs: list[dict[str, Any]]) -> str:
    """The HTML of a value that shows itself."""
    return "".join("".join(output["data"].get("text/html", "")) for output in outputs if "data" in output)


def test_the_notebook_is_committed_without_outputs() -> None:
    lesson = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (lesson["nbformat"], lesson["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in lesson["cells"]]
    assert len(ids) == len(set(ids))
    for cell in lesson["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("what", ["softmax", "context", "decoder", "probabilities"])
def test_what_is_computed_by_hand_is_what_the_model_did(what: str, executed: dict[str, list[dict[str, Any]]]) -> None:
    by_hand, traced = json.loads(printed(executed["summary"]))[what]
    assert np.size(traced) > 0
    np.testing.assert_allclose(by_hand, traced, atol=1e-4)


@pytest.mark.slow
def test_each_cell_shows_something(executed: dict[str, list[dict[str, Any]]]) -> None:
    assert [name for name, outputs in executed.items() if not outputs] == ["decoder"]  # that only defines functions


@pytest.mark.slow
def test_a_trace_shows_itself_as_a_heat_map_and_as_a_page(executed: dict[str, list[dict[str, Any]]]) -> None:
    for name in ("show-heat-map", "show-negation"):
        assert "<table" in shown(executed[name])
    assert "<iframe" in shown(executed["show-page"]) and "srcdoc=" in shown(executed["show-page"])
