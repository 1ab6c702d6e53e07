"""Learning rates by step."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nmt.config import TrainingConfig
from nmt.training.schedule import make_schedule


def rates(steps: list[int], reductions: int = 0, length: float = math.inf, **options: Any) -> list[float]:
    schedule = make_schedule(TrainingConfig(learning_rate=0.01, **options))
    return [schedule(step, length, reductions) for step in steps]


@pytest.mark.parametrize("name", ["constant", "inverse_sqrt", "plateau"])
def test_warm_up_rises_linearly_to_the_learning_rate(name: str) -> None:
    assert rates([1, 5, 10], schedule=name, warmup_steps=10) == pytest.approx([0.001, 0.005, 0.01])


def test_constant_stays() -> None:
    assert rates([1, 1000], schedule="constant") == [0.01, 0.01]


def test_inverse_square_root_halves_at_four_times_the_warm_up() -> None:
    assert rates([100, 400, 10000], schedule="inverse_sqrt", warmup_steps=100) == pytest.approx([0.01, 0.005, 0.001])


def test_warm_up_by_a_share_lasts_that_share_of_the_training() -> None:
    assert rates([5, 10, 30], length=100, schedule="constant", warmup_ratio=0.1) == pytest.approx([0.005, 0.01, 0.01])


def test_inverse_square_root_falls_from_the_end_of_a_warm_up_by_a_share() -> None:
    options: dict[str, Any] = {"schedule": "inverse_sqrt", "warmup_ratio": 0.25}
    assert rates([50, 100, 400], length=400, **options) == pytest.approx([0.005, 0.01, 0.005])


def test_cosine_ends_at_the_minimum_at_the_end_of_the_training() -> None:
    options: dict[str, Any] = {"schedule": "cosine", "warmup_steps": 10, "minimum_learning_rate": 0.002}
    assert rates([10, 60, 110, 200], length=110, **options) == pytest.approx([0.01, 0.006, 0.002, 0.002])


def test_cosine_with_warm_up_alone_divides_by_nothing() -> None:
    assert rates([5], length=5, schedule="cosine", warmup_steps=5) == pytest.approx([0.01])


def test_plateaus_multiply_down_to_the_minimum() -> None:
    assert rates([7], reductions=2, schedule="plateau", plateau_factor=0.5) == pytest.approx([0.0025])
    assert rates([7], reductions=20, schedule="plateau", minimum_learning_rate=0.001) == [0.001]
