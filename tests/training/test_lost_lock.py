"""A training whose run another has taken over, such as one whose machine was cut off, writes nothing more there."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import nmt.training.pipeline
import nmt.training.trainer
from program import Call

TAKEN = "12 another-machine 0123456789abcdef \n"


@pytest.mark.parametrize("where", ["training_record", "Validator.__call__", "take_snapshot"])
def test_a_training_that_lost_its_lock_ends_with_75_and_writes_nothing(
    where: str, configuration: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    made: dict[str, Any] = {"calls": 0}
    work = attrgetter(where)(nmt.training.trainer)

    def lose(*arguments: Any) -> Any:
        made["calls"] += 1
        if made["calls"] == 2:
            (run / ".lock").write_text(TAKEN)
            made["metrics"] = (run / "metrics.jsonl").read_bytes()
        return work(*arguments)

    monkeypatch.setattr(f"nmt.training.trainer.{where}", lose)
    intervals = "training={max_steps: 12, log_every: 2, validate_every: 6}"
    done = call("train", configuration, "--output", run, "--set", intervals, "--set", "search.beam_size=1")
    assert done.code == 75, done.err
    assert len(done.errors) == 1 and "another has taken over" in done.errors[0]
    saved = [] if where == "training_record" else ["step-00000006"]
    checkpoints = run / "checkpoints"
    assert [path.name for path in checkpoints.iterdir()] == saved if saved else not checkpoints.exists()
    assert (run / "metrics.jsonl").read_bytes() == made["metrics"]
    assert (run / ".lock").read_text() == TAKEN


def test_what_a_restart_set_aside_is_the_other_s_once_the_lock_is_lost(
    configuration: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, short = tmp_path / "run", ("--set", "training={max_steps: 4, log_every: 1, validate_every: 100}")
    assert call("train", configuration, "--output", run, *short).code == 0
    step = nmt.training.trainer.Trainer._step

    def lose(self: Any, *arguments: Any) -> None:
        (run / ".lock").write_text(TAKEN)
        (run / "metrics.jsonl").write_text("of the other")
        step(self, *arguments)

    monkeypatch.setattr(nmt.training.trainer.Trainer, "_step", lose)
    done = call("train", configuration, "--output", run, "--restart", *short)
    assert done.code == 75, done.err
    assert (run / "metrics.jsonl").read_text() == "of the other"
    assert (run / ".nmt-before-restart").is_dir() and not (run / "last").exists()


@pytest.mark.parametrize("place", ["nmt.training.pipeline.corpus_files", "nmt.training.pipeline.train_tokenizers"])
def test_a_lock_that_is_lost_while_all_is_prepared_is_noticed(
    place: str, configuration: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, name = tmp_path / "run", place.rpartition(".")[2]
    work = getattr(nmt.training.pipeline, name)

    def lose(*arguments: Any) -> Any:
        found = work(*arguments)
        (run / ".lock").write_text(TAKEN)
        return found

    monkeypatch.setattr(place, lose)
    done = call("train", configuration, "--output", run)
    assert done.code == 75, done.err
    assert not (run / "corpus").exists() and (run / "config.yaml").exists() == (name == "train_tokenizers")
