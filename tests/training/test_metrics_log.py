"""The metrics file survives crashes and resuming."""

from __future__ import annotations

import json
from pathlib import Path

from nmt.checkpoint.layout import METRICS
from nmt.training.metrics_log import MetricsWriter, read_metrics


def write(run: Path, *records: tuple[str, int]) -> None:
    lines = [json.dumps({"split": split, "step": step}) + "\n" for split, step in records]
    (run / METRICS).write_text("".join(lines))


def steps(run: Path) -> list[tuple[str, int]]:
    return [(record["split"], record["step"]) for record in read_metrics(run / METRICS)]


def test_a_resumed_run_drops_the_records_past_its_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, ("train", 10), ("validation", 10), ("train", 20), ("train", 30), ("validation", 30))
    MetricsWriter(tmp_path, 20, 10, tensorboard=False)
    assert steps(tmp_path) == [("train", 10), ("validation", 10), ("train", 20)]


def test_a_validation_that_is_to_be_repeated_is_dropped_at_the_same_step(tmp_path: Path) -> None:
    write(tmp_path, ("train", 10), ("validation", 10))
    MetricsWriter(tmp_path, 10, 0, tensorboard=False)
    assert steps(tmp_path) == [("train", 10)]


def test_a_line_cut_short_by_a_crash_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, ("train", 10))
    with (tmp_path / METRICS).open("a") as file:
        file.write('{"split": "train", "st')
    writer = MetricsWriter(tmp_path, 10, 0, tensorboard=False)
    writer.write({"split": "train", "step": 20})
    assert steps(tmp_path) == [("train", 10), ("train", 20)]


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    writer = MetricsWriter(tmp_path, 0, 0, tensorboard=True)
    writer.write({"split": "train", "step": 5, "loss": 2.5})
    writer.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    [event] = events.Scalars("train/loss")
    assert (event.step, event.value) == (5, 2.5)
