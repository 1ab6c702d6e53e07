"""What training remembers: limits, the best score, plateaus."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from nmt.checkpoint.training_state import TrainingState
from nmt.config import TrainingConfig
from nmt.corpus.batch_order import Position
from nmt.errors import ModelError

WHERE = Path("state.json")


def limits(**options: Any) -> TrainingConfig:
    return TrainingConfig(**{"max_epochs": None, "patience": None, **options})


def test_each_limit_ends_training_and_is_named() -> None:
    state = TrainingState(step=10, position=Position(2, 0, 0), seconds=90.0, validations_without_gain=3, metric="bleu")
    assert state.limit_reached(limits(max_steps=10)) == "max_steps 10 reached"
    assert state.limit_reached(limits(max_epochs=2)) == "max_epochs 2 reached"
    assert state.limit_reached(limits(max_minutes=1.5)) == "max_minutes 1.5 reached"
    assert state.limit_reached(limits(patience=3)) == "no better bleu in 3 validations"
    assert state.limit_reached(limits(max_steps=11, max_epochs=3, max_minutes=1.6, patience=4)) is None


def test_the_best_score_resets_patience() -> None:
    state, config = TrainingState(step=5), limits(patience=9)
    assert state.take_score(10.0, 2.0, config)
    state.step = 6
    assert not state.take_score(10.0, 2.0, config)
    assert (state.best_step, state.validations_without_gain, state.validated_step) == (5, 1, 6)
    assert state.take_score(10.1, 2.0, config)
    assert (state.best_step, state.validations_without_gain) == (6, 0)


def test_a_plateau_reduces_the_rate_once_for_each_patience() -> None:
    state, config = TrainingState(), limits(schedule="plateau", plateau_patience=2, patience=9)
    reductions = []
    for score in (5.0, 4.0, 4.0, 4.0, 4.0, 6.0, 4.0):
        state.take_score(score, 2.0, config)
        reductions.append(state.reductions)
    assert reductions == [0, 0, 1, 1, 2, 2, 2]


def test_state_survives_json() -> None:
    state = TrainingState(7, Position(1, 2, 3), 4.5, 6, -2.25, 2.25, 5, 1, 1, 2, "abc", "def", "perplexity", "13a")
    assert TrainingState.from_json(state.as_json(), WHERE) == state
    assert TrainingState.from_json(TrainingState().as_json(), WHERE) == TrainingState()


@pytest.mark.parametrize(
    "change",
    [
        {"step": "7"},
        {"step": -1},
        {"step": True},
        {"step": 10**30},
        {"seconds": math.inf},
        {"position": [1]},
        {"position": [0, -1, 0]},
        {"position": [0, 0, 10**30]},
        {"position": [0, 0, True]},
        {"more": 1},
        {"best_score": "x"},
        {"best_score": math.nan},
    ],
)
def test_a_foreign_state_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        TrainingState.from_json({**TrainingState().as_json(), **change}, WHERE)


def test_time_left_follows_the_nearest_limit() -> None:
    state = TrainingState(step=25, seconds=60.0)
    assert state.seconds_left(limits(max_steps=100), 2.5) == pytest.approx(180.0)
    assert state.seconds_left(limits(max_epochs=5, max_steps=100), 2.5) == pytest.approx(60.0)
    assert state.seconds_left(limits(max_epochs=5, max_minutes=1.25), 2.5) == pytest.approx(15.0)
    assert math.isinf(state.seconds_left(limits(patience=1), 2.5))


def test_the_length_of_a_training_is_the_steps_made_once_a_limit_is_reached() -> None:
    state = TrainingState(step=25, seconds=60.0)
    assert state.expected_steps(limits(max_minutes=1), 0.3) == 25
    assert state.expected_steps(limits(max_epochs=3, max_steps=100), 3.0) == 25
    assert state.expected_steps(limits(max_steps=25, max_minutes=9), 0.3) == 25
    assert math.isinf(state.expected_steps(limits(patience=1), 0.3))


@pytest.mark.parametrize(("position", "epoch"), [((0, 0, 0), 1), ((0, 0, 3), 1), ((1, 0, 0), 1), ((1, 2, 0), 2)])
def test_the_epoch_shown_is_that_of_the_last_update(position, epoch):
    assert TrainingState(position=Position(*position)).epochs_begun == epoch


def test_of_equal_scores_the_lower_perplexity_is_better() -> None:
    state, config = TrainingState(step=1), limits(patience=2)
    assert state.take_score(0.0, 90.0, config)
    state.step = 2
    assert state.take_score(0.0, 80.0, config)
    assert (state.best_step, state.best_perplexity) == (2, 80.0)
    state.step = 3
    assert not state.take_score(0.0, 80.0, config)
    assert state.best_step == 2


def test_an_equal_score_does_not_renew_patience() -> None:
    state, config = TrainingState(), limits(patience=3)
    found = []
    for step, perplexity in enumerate((1.5, 1.4, 1.3, 1.2), start=1):
        state.step = step
        found.append(state.take_score(100.0, perplexity, config))
    assert found == [True] * 4 and state.best_step == 4
    assert state.limit_reached(config) is not None


def test_a_state_of_an_earlier_version_is_read() -> None:
    state = TrainingState(7, Position(1, 2, 3), best_score=5.0, best_step=5, corpus="abc")
    added = ("best_perplexity", "validation", "metric", "validation_tokenize")
    values = {name: value for name, value in state.as_json().items() if name not in added}
    again = TrainingState.from_json(values, WHERE)
    assert again == state
    again.step = 8
    assert again.take_score(5.0, 9.0, limits())  # nothing is known of the perplexity of the best
    assert (again.best_step, again.validations_without_gain) == (8, 1)
