"""Loss and norm are read late, but none is left out and none that diverged passes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from nmt.config import TrainingConfig
from nmt.errors import NonFiniteError
from nmt.training.deferred_loss import DeferredLosses
from nmt.training.optimizer import Adam, nonfinite


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def terms(*values: float) -> Tensor:
    return torch.tensor([*values, 0.0, 0.0, 0.0][:3], dtype=torch.float64)


@pytest.mark.parametrize("behind", [0, 1, 3])
def test_every_outcome_is_read_once_and_in_order(behind: int) -> None:
    losses = DeferredLosses(behind)
    read = []
    for step in range(1, 6):
        losses.add(step, 10 * step, terms(step, 0.5), number(1.0))
        read += list(losses.due())
        assert len(read) == max(0, step - behind)
    read += list(losses.rest())
    assert [update[:3] for update in read] == [(n, 10 * n, (float(n), 0.5, 0.0)) for n in range(1, 6)]
    assert list(losses.rest()) == []


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_update_that_diverged_is_named_however_late_it_is_read(place: int, value: float) -> None:
    losses = DeferredLosses(1)
    values = [1.0] * 4
    values[place] = value
    losses.add(7, 2, terms(*values[:3]), number(values[3]))
    losses.add(8, 2, terms(1.0), number(1.0))
    with pytest.raises(NonFiniteError, match="step 7"):
        list(losses.due())


@pytest.mark.parametrize(("loss", "norm"), [((math.nan,), 1.0), ((1.0, math.inf), 1.0), ((1.0,), math.inf)])
def test_an_optimizer_leaves_out_a_step_that_diverged(loss: tuple[float, ...], norm: float) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = Adam(TrainingConfig(), {"weight": weight})
    for parts, length in (((1.0,), 1.0), (loss, norm), ((1.0,), 1.0)):
        weight.grad = torch.full((3,), sum(parts) + length)
        optimizer.step(0.01, unless=nonfinite(terms(*parts), number(length)))
    assert weight.isfinite().all() and (weight < 1).all()
    assert optimizer.tensors["step.weight"] == 2
