"""The tanh that is quick on a processor is torch's own, as exactly as its number type allows."""

from __future__ import annotations

import math

import pytest
import torch

from nmt.model.squashing import tanh, tanh_


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 2e-7), (torch.float64, 4e-16)])
def test_it_is_tanh(dtype: torch.dtype, error: float) -> None:
    values = torch.cat([torch.linspace(-12, 12, 100_001), torch.tensor([0.0, 1e-30, -3e38, math.inf, -math.inf])])
    values = values.to(dtype)
    expected = torch.tanh(values.double())
    found = tanh_(values)
    assert found is values
    assert (found - expected).abs().max() <= error
    assert tanh_(torch.tensor([math.nan], dtype=dtype)).isnan().all()


def test_without_autograd_bfloat16_comes_back_unrounded() -> None:
    values = torch.linspace(-4, 4, 1001).bfloat16()
    with torch.no_grad():
        found = tanh(values.clone())
    assert found.dtype == torch.float32
    assert torch.allclose(found, torch.tanh(values.float()), rtol=0, atol=2e-7)


def test_under_autograd_it_is_torchs_own() -> None:
    values = torch.linspace(-4, 4, 11, requires_grad=True)
    tanh(values).sum().backward()
    assert values.grad is not None
    assert torch.allclose(values.grad, 1 - torch.tanh(values.detach()).square(), atol=1e-6)
