"""The learning rate lands where the training ends, whichever limit that is."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import nmt.training.trainer
from nmt.config import load_config
from nmt.training.pipeline import train
from random_models import make_lines

CONFIG = """\
data:
  source_language: xx
  target_language: yy
  train: {source: text, target: text}
  validation: {source: few, target: few}
tokenizer: {kind: char, vocabulary_size: 60}
model:
  attention_size: 8
  embedding_size: 8
  readout_size: 8
  encoder: {hidden_size: 4}
  decoder: {hidden_size: 8}
training:
  batch_tokens: 400
  max_epochs: null
  schedule: cosine
  warmup_ratio: 0.2
  learning_rate: 1.0e-3
  log_every: 1
  validate_every: 10000
  patience: null
search: {beam_size: 1, max_length: 4}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a small corpus; a clock on which each look takes a second."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("\n".join(make_lines(200, seed=1)) + "\n")
    (tmp_path / "few").write_text("ba\n")
    (tmp_path / "my.yaml").write_text(CONFIG)
    clock = iter(range(1_000_000))
    monkeypatch.setattr(nmt.training.trainer, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    return tmp_path


def rates(run: Path) -> list[float]:
    records: list[dict[str, Any]] = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [record["learning_rate"] for record in records if record["split"] == "train"]


@pytest.mark.parametrize("limit", ["max_steps=50", "max_epochs=4", "max_minutes=2"])
def test_a_cosine_rises_falls_and_lands_where_the_limit_is(folder: Path, limit: str) -> None:
    train(load_config("my.yaml", [f"training.{limit}"]), folder / "run", device="cpu")
    found = rates(folder / "run")
    top = found.index(max(found))
    assert len(found) > 30
    assert 0.15 * len(found) < top < 0.3 * len(found)
    assert max(found) > 0.97e-3
    assert found == sorted(found[: top + 1]) + sorted(found[top + 1 :], reverse=True)
    assert found[-1] < 0.02e-3


def test_the_nearest_of_several_limits_decides(folder: Path) -> None:
    train(load_config("my.yaml", ["training={max_steps: 40, max_minutes: 600}"]), folder / "run", device="cpu")
    assert len(rates(folder / "run")) == 40
    assert rates(folder / "run")[-1] == 0.0


def test_a_resumed_training_by_the_clock_goes_on_from_the_rate_it_had(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "nmt"):
        train(load_config("my.yaml", ["training.max_minutes=2"]), folder / "run", device="cpu")
        train(load_config("my.yaml", ["training.max_minutes=2"]), folder / "run", device="cpu")
    ended, told = caplog.text.splitlines()[-2:]
    assert "finished: max_minutes 2 reached after 2m0" in ended and ", of which the last validation took 1s;" in ended
    # The validation is counted, too: four minutes leave some.
    assert told.endswith("max_minutes 2 reached; --set training.max_minutes=6 goes on, --restart begins anew")
    before = len(rates(folder / "run"))
    train(load_config("my.yaml", ["training.max_minutes=4"]), folder / "run", device="cpu")
    after = rates(folder / "run")[before:]
    # Half of the time is used up: the cosine after a fifth of warm-up is past its middle third.
    assert after[0] == pytest.approx(1e-3 * 0.69, rel=0.1)
    assert after[-1] < 0.02e-3
