"""The moving average of the weights."""

from __future__ import annotations

import pytest
import torch

from nmt.training.ema import ExponentialMovingAverage


def test_the_average_moves_towards_the_weights_and_can_stand_in_for_them() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = ExponentialMovingAverage(model, 0.5)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(1000)
    assert average.tensors["weight"].item() == pytest.approx(0.5)
    with average.applied():
        assert model.weight.item() == pytest.approx(0.5)
    assert model.weight.item() == 1.0
    assert average.tensors["weight"].item() == pytest.approx(0.5)


def test_early_on_the_average_forgets_faster() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = ExponentialMovingAverage(model, 0.999)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(1)
    assert average.tensors["weight"].item() == pytest.approx(1 - 2 / 11)


def test_weights_come_back_when_the_block_fails() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = ExponentialMovingAverage(model, 0.5)
    before = model.weight.item()
    average.tensors["weight"].fill_(9.0)
    with pytest.raises(KeyError), average.applied():
        raise KeyError
    assert model.weight.item() == before
