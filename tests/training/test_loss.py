"""The chunked loss is torch's cross-entropy."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from nmt.training import loss
from nmt.training.loss import cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rows", [1, 3, 7])
def test_value_and_gradients_equal_those_of_torch(monkeypatch: pytest.MonkeyPatch, rows: int, smoothing: float) -> None:
    monkeypatch.setattr(loss, "ROWS_ON_CPU", 3)
    torch.manual_seed(0)
    readouts = torch.randn(rows, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(9, (rows,))
    expected = functional.cross_entropy(readouts @ weight.t(), targets, reduction="sum", label_smoothing=smoothing)
    expected_gradients = torch.autograd.grad(3 * expected, (readouts, weight))
    found = cross_entropy(readouts, weight, targets, smoothing)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    for ours, theirs in zip(torch.autograd.grad(3 * found, (readouts, weight)), expected_gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_gradients_pass_gradcheck() -> None:
    torch.manual_seed(0)
    readouts = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([0, 5, 2, 2, 1])
    assert torch.autograd.gradcheck(lambda r, w: cross_entropy(r, w, targets, 0.2), (readouts, weight))


def test_bfloat16_readouts_keep_the_loss_in_float32() -> None:
    torch.manual_seed(0)
    readouts, weight = torch.randn(5, 16), torch.randn(20, 16, requires_grad=True)
    targets = torch.randint(20, (5,))
    rough = cross_entropy(readouts.bfloat16(), weight, targets, 0.1)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(cross_entropy(readouts, weight, targets, 0.1).item(), rel=0.02)
    rough.backward()
    assert weight.grad is not None and weight.grad.dtype == torch.float32


@pytest.mark.parametrize("scale", [300.0, -300.0, 1e4])
def test_logits_of_any_size_give_the_loss_of_torch(scale: float) -> None:
    readouts = torch.ones(2, 4, requires_grad=True)
    weight = (torch.linspace(0.9, 1.1, 9)[:, None] * torch.full((9, 4), scale / 4)).requires_grad_()
    targets = torch.tensor([8, 3])
    expected = functional.cross_entropy(readouts @ weight.t(), targets, reduction="sum", label_smoothing=0.1)
    expected_gradients = torch.autograd.grad(expected, (readouts, weight))
    found = cross_entropy(readouts, weight, targets, 0.1)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    for ours, theirs in zip(torch.autograd.grad(found, (readouts, weight)), expected_gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * abs(scale))


def test_one_row_of_huge_logits_leaves_its_neighbours_exact() -> None:
    torch.manual_seed(0)
    readouts, weight = torch.randn(3, 4), torch.randn(9, 4)
    targets = torch.tensor([0, 1, 2])
    alone = cross_entropy(readouts[:1], weight, targets[:1]).item()
    readouts[1] *= 1000
    expected = functional.cross_entropy(readouts @ weight.t(), targets, reduction="none")
    assert cross_entropy(readouts, weight, targets).item() == pytest.approx(expected.sum().item(), rel=1e-5)
    assert expected[0].item() == pytest.approx(alone, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradients_in_bfloat16_are_as_exact_as_its_logits(smoothing: float) -> None:
    """Also of rows that are nearly sure of their targets, of whose gradients most cancels out."""
    torch.manual_seed(0)
    weight = (torch.randn(5000, 64) / 8).bfloat16()
    rows = torch.randn(128, 64).bfloat16()
    targets = (rows.float() @ weight.float().t()).argmax(1)
    rows = (rows.float() + 8 * weight[targets].float()).bfloat16()
    exact, rough = rows.double().requires_grad_(), rows.clone().requires_grad_()
    logits = exact @ weight.double().t()
    assert 0.8 < logits.softmax(1)[range(128), targets].mean() < 0.98
    functional.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing).backward()
    cross_entropy(rough, weight, targets, smoothing).backward()
    assert exact.grad is not None and rough.grad is not None
    assert (rough.grad - exact.grad).norm() / exact.grad.norm() < 0.018
