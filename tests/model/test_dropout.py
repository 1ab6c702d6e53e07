"""Dropout drops what it should, as often as it should, and what it drops gets no gradient."""

from __future__ import annotations

import pytest
import torch

from nmt.model.dropout import dropout, keep_mask

CPU = torch.device("cpu")


@pytest.mark.parametrize("probability", [0.1, 0.3, 0.5, 0.9])
def test_a_share_of_probability_is_dropped(probability: float) -> None:
    torch.manual_seed(1)
    count = 400_000
    kept = keep_mask([count], probability).float().mean().item()
    deviation = (probability * (1 - probability) / count) ** 0.5
    assert kept == pytest.approx(1 - probability, abs=4 * deviation + 2**-16)


def test_neighbouring_places_are_independent() -> None:
    torch.manual_seed(2)
    mask = keep_mask([4, 100_000], 0.5).t().float() - 0.5  # four places come out of one random number
    for first in range(4):
        for second in range(first):
            assert abs((mask.flatten()[first:-4:4] * mask.flatten()[second:-4:4]).mean().item()) < 0.005


@pytest.mark.parametrize("probability", [0.0, 1e-6, 0.999999])
def test_extremes_do_not_wrap_around(probability: float) -> None:
    kept = keep_mask([100_000], probability).float().mean().item()
    assert kept == pytest.approx(1 - probability, abs=1e-3)


def test_the_expectation_stays_and_gradients_follow_the_mask() -> None:
    torch.manual_seed(3)
    values = torch.ones(1000, 100, requires_grad=True)
    dropped = dropout(values, 0.3, [1000, 100])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())


def test_one_draw_may_hold_for_several_values() -> None:
    dropped = dropout(torch.ones(7, 3, 50), 0.5, [1, 3, 50])
    assert torch.equal(dropped, dropped[:1].expand(7, 3, 50))


def test_a_seed_gives_the_same_mask_again() -> None:
    masks = []
    for _ in range(2):
        torch.manual_seed(9)
        masks.append(keep_mask([5, 7], 0.3))
    assert torch.equal(*masks)
