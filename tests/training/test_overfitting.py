"""Overfitting is told once, when it is that, and changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from nmt.config import load_config
from nmt.training.metrics_log import MetricsWriter
from nmt.training.overfitting import LEAST_VALIDATIONS, Overfitting, OverfittingWatch
from nmt.training.pipeline import train
from random_models import make_lines

RISING = [3.0, 2.6, 2.31, 2.4, 2.45, 2.5, 2.55, 2.58]
FALLING = [4.0, 3.0, 2.5, 2.2, 2.0, 1.8, 1.6, 1.5]


def records(validation: list[float], training: list[float]) -> list[dict[str, object]]:
    """Makes the records of a training with two records of training before each validation."""
    made: list[dict[str, object]] = []
    for step, (held_out, trained) in enumerate(zip(validation, training, strict=True)):
        made.append({"split": "train", "step": 20 * step + 10, "loss": trained + 0.1})
        made.append({"split": "train", "step": 20 * step + 20, "loss": trained - 0.1})
        made.append({"split": "validation", "step": 20 * step + 20, "loss": held_out})
    return made


def test_a_loss_that_rises_for_long_while_training_goes_on_falling_is_told() -> None:
    found = Overfitting.from_records(records(RISING, FALLING), 5)
    assert found == (5, 5, (2.31, 2.58), (pytest.approx(2.5), pytest.approx(1.5)))
    text = str(found)
    assert "for 5 validations (2.31 → 2.58) while training loss fell (2.50 → 1.50)" in text and "dropout" in text


@pytest.mark.parametrize(
    ("validation", "training", "without_gain"),
    [
        (RISING, FALLING, LEAST_VALIDATIONS - 1),  # translations still get better
        (RISING[:-1], FALLING[:-1], 5),  # not for long
        ([*RISING[:-2], 2.32, 2.58], FALLING, 5),  # it came down again between
        ([3.0, 2.6, 2.31, *[2.34] * 5], FALLING, 5),  # within chance
        (RISING, [4.0, 3.0, 2.5, *[2.5] * 5], 5),  # neither is training going on
        ([3.0, 2.8, 2.6, 2.5, 2.4, 2.3, 2.2, 2.1], FALLING, 5),
        ([], [], 0),
    ],
)
def test_nothing_else_is_called_so(validation: list[float], training: list[float], without_gain: int) -> None:
    assert Overfitting.from_records(records(validation, training), without_gain) is None


def test_records_of_training_may_be_rarer_than_validations_or_lack_a_loss() -> None:
    rare = [record for record in records(RISING, FALLING) if record["split"] == "validation" or record["step"] == 70]
    assert Overfitting.from_records(rare, 5) is None
    odd: list[dict[str, object]] = [{"split": "train"}, {}, {"loss": "high", "split": "validation"}]
    assert Overfitting.from_records([*odd, *records(RISING, FALLING)], 5) is not None


def test_it_is_told_once_and_once_more_after_resuming(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = records([*RISING, 2.6, 2.7, 2.8], [*FALLING, 1.4, 1.3, 1.2])
    writer, watch = MetricsWriter(tmp_path, 0, 0, tensorboard=False), OverfittingWatch()
    with caplog.at_level(logging.WARNING, "nmt"):
        for number, record in enumerate(told):
            if number == 30:  # resumed from the validation before
                step = told[number - 1]["step"]
                assert isinstance(step, int)
                writer, watch = MetricsWriter(tmp_path, step, step, tensorboard=False), OverfittingWatch()
            writer.write(record)
            if record["split"] == "validation":
                watch.look(writer.records(), 8)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert all(one.getMessage() != other.getMessage() for one, other in pairwise(caplog.records))


CONFIG = """\
data:
  source_language: xx
  target_language: yy
  train: {source: text, target: text}
  validation: {source: few, target: few}
tokenizer: {kind: char, vocabulary_size: 60}
model: {attention_size: 8, embedding_size: 8, readout_size: 8, encoder: {hidden_size: 4}, decoder: {hidden_size: 8}}
training: {batch_tokens: 400, max_epochs: null, max_steps: 6, log_every: 1, validate_every: 2}
search: {beam_size: 1, max_length: 4}
"""


def test_a_training_judges_its_records_after_each_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("\n".join(make_lines(200, seed=1)) + "\n")
    (tmp_path / "few").write_text("ba\n")
    (tmp_path / "my.yaml").write_text(CONFIG)
    judged: list[tuple[int, int]] = []

    def look(_: OverfittingWatch, records: Sequence[Mapping[str, object]], without_gain: int) -> None:
        judged.append((len(records), without_gain))

    monkeypatch.setattr(OverfittingWatch, "look", look)
    train(load_config("my.yaml"), tmp_path / "run", device="cpu")
    assert [records for records, _ in judged] == [3, 6, 9]
