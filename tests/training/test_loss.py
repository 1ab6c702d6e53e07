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
    monkeypatch.setattr(loss, "ROWS_AT_ONCE", 3)
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
