"""Products of many rows, which are filled up, are those of the rows alone."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from nmt.model import products
from nmt.model.products import ROWS, filled_up, linear


@pytest.mark.parametrize("count", [1, ROWS, ROWS + 1, 3 * ROWS - 1])
def test_filled_up_rows_end_in_zeros_at_a_multiple(count: int) -> None:
    rows = torch.ones(2, count, 3, dtype=torch.bfloat16)
    filled = filled_up(rows)
    assert torch.equal(filled[:, :count], rows)
    assert filled.shape[1] == (count if count <= ROWS else -(-count // ROWS) * ROWS)
    assert not filled[:, count:].any()


def test_rows_in_float32_are_left_as_they_are() -> None:
    rows = torch.ones(ROWS + 1, 3)
    assert filled_up(rows) is rows


@pytest.mark.parametrize("rows", [1, 4, 5, 11])
def test_a_product_of_filled_up_rows_is_that_of_the_rows_alone(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(products, "ROWS", 4)
    torch.manual_seed(0)
    inputs = torch.randn(rows, 2, 8, dtype=torch.bfloat16, requires_grad=True)
    weight = torch.randn(6, 8, dtype=torch.bfloat16, requires_grad=True)
    bias = torch.randn(6, dtype=torch.bfloat16, requires_grad=True)
    found, expected = linear(inputs, weight, bias), functional.linear(inputs, weight, bias)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, rtol=0.02, atol=0.02)
    towards = torch.randn_like(expected)
    for ours, theirs in zip(
        torch.autograd.grad(found, (inputs, weight, bias), towards),
        torch.autograd.grad(expected, (inputs, weight, bias), towards),
        strict=True,
    ):
        assert torch.allclose(ours, theirs, rtol=0.02, atol=0.05)
