"""Products of many rows, which are filled up, are those of the rows alone."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from nmt.model import products
from nmt.model.products import FEW, ROWS, filled_up, linear, pack, product


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


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 5, FEW, FEW + 1])
def test_a_product_by_a_packed_matrix_is_that_by_the_matrix(rows: int, dtype: torch.dtype, transposed: bool) -> None:
    torch.manual_seed(0)
    inputs, bias = torch.randn(1, rows, 48, dtype=dtype), torch.randn(33, dtype=dtype)
    weight = torch.randn(33, 48, dtype=dtype)
    weight = weight.t().contiguous() if transposed else weight
    expected = functional.linear(inputs, weight.t() if transposed else weight)
    pack(weight, transposed=transposed)
    tolerance = {"rtol": 1e-2, "atol": 0.1} if dtype == torch.bfloat16 else {"rtol": 1e-5, "atol": 1e-5}
    assert torch.allclose(product(inputs, weight, transposed=transposed), expected, **tolerance)
    assert torch.allclose(linear(inputs, weight, bias, transposed=transposed), expected + bias, **tolerance)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
def test_few_rows_and_no_others_are_multiplied_by_the_packed_matrix() -> None:
    weight = torch.ones(2, 3)
    pack(weight)
    weight.zero_()  # what is packed is a copy
    assert product(torch.ones(FEW, 3), weight).sum() == 6 * FEW
    assert product(torch.ones(FEW + 1, 3), weight).sum() == 0
