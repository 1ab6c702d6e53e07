"""The LSTM over time equals one step after the other, in value and in every gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from backward_once import passes_gradcheck
from nmt.model.kernels.lstm_cell import lstm_cell
from nmt.model.kernels.lstm_loop import lstm_loop


def random(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).mul_(0.7).requires_grad_()


def test_gradients_of_the_lstm_loop_are_those_of_its_function() -> None:
    arguments = random(2, 3, 2, 12, seed=1), random(2, 3, 12, seed=2), random(2, 2, 3, seed=3)
    assert passes_gradcheck(lstm_loop, arguments)


def test_the_lstm_loop_is_one_cell_after_the_other() -> None:
    gates, weight, hidden = random(2, 4, 3, 8, seed=1), random(2, 2, 8, seed=2), random(2, 3, 2, seed=3)
    expected = []
    now, cell = hidden, torch.zeros_like(hidden)
    for t in range(4):
        now, cell = lstm_cell(gates[:, t] + torch.bmm(now, weight), cell)
        expected.append(now)
    assert torch.allclose(lstm_loop(gates, weight, hidden), torch.stack(expected, 1), rtol=0, atol=1e-14)


def test_a_cell_without_autograd_is_the_same() -> None:
    gates, cell = random(3, 2, 8, seed=1), random(3, 2, 2, 2, seed=2)[:, :, 0]
    expected = lstm_cell(gates, cell)
    kept = cell.clone()
    with torch.no_grad():
        found = lstm_cell(gates.clone(), cell)
    assert torch.equal(cell, kept)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-14)


def test_the_lstm_loop_agrees_with_torch() -> None:
    reference = torch.nn.LSTM(5, 3).double()
    inputs = random(4, 2, 5, seed=4)
    order = torch.tensor([0, 1, 3, 2])  # torch: input, forget, candidate, output

    def reordered(weight: Tensor) -> Tensor:
        return weight.unflatten(0, (4, 3))[order].flatten(0, 1)

    bias = reordered(reference.bias_ih_l0 + reference.bias_hh_l0)
    gates = inputs @ reordered(reference.weight_ih_l0).t() + bias
    ours = lstm_loop(gates[None], reordered(reference.weight_hh_l0).t()[None])
    assert torch.allclose(ours[0], reference(inputs)[0], rtol=0, atol=1e-12)


def test_bfloat16_products_change_little() -> None:
    gates, weight = random(1, 6, 4, 32, seed=1).detach().float(), random(1, 8, 32, seed=2).detach().float()
    exact = lstm_loop(gates, weight)
    rough = lstm_loop(gates, weight.bfloat16())
    assert rough.dtype == torch.bfloat16
    assert 0 < (exact - rough).abs().max() < 0.02
