"""The tanh that is quick on a processor is torch's own, as exactly as its number type allows."""

from __future__ import annotations

import math

import pytest
import torch

from nmt.model.kernels.tanh import fill_with_tanh, tanh


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 2e-7), (torch.float64, 4e-16)])
def test_it_is_tanh(dtype: torch.dtype, error: float) -> None:
    values = torch.cat([torch.linspace(-12, 12, 100_001), torch.tensor([0.0, 1e-30, -3e38, math.inf, -math.inf])])
    values = values.to(dtype)
    expected = torch.tanh(values.double())
    for filled in (torch.empty_like(values), torch.empty(len(values), 2, dtype=dtype)[:, 1], values):
        fill_with_tanh(filled, values)
        assert (filled - expected).abs().max() <= error


def test_what_is_no_number_stays_none() -> None:
    values = torch.tensor([math.nan, 0.0])
    assert tanh(values.requires_grad_()).isnan().tolist() == [True, False]
    with torch.no_grad():
        assert tanh(values).isnan().tolist() == [True, False]


def test_without_autograd_bfloat16_is_as_exact_as_it_can_be() -> None:
    values = torch.linspace(-4, 4, 1001).bfloat16()
    kept = values.clone()
    with torch.no_grad():
        found = tanh(values)
    assert torch.equal(values, kept)
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found, torch.tanh(values), rtol=2**-7, atol=1e-6)


def test_under_autograd_it_is_torchs_own() -> None:
    values = torch.linspace(-4, 4, 11, requires_grad=True)
    tanh(values).sum().backward()
    assert values.grad is not None
    assert torch.allclose(values.grad, 1 - torch.tanh(values.detach()).square(), atol=1e-6)
