"""A product by a packed copy of a matrix is that by the matrix."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from nmt.model.kernels import onednn, packing
from nmt.model.kernels.matmul import linear, product
from nmt.model.kernels.native.library import available_library
from nmt.model.kernels.native.weights import NativeWeight
from nmt.model.kernels.onednn import FEW
from nmt.model.kernels.packing import is_packed, pack

needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")


@pytest.fixture(params=["native", "oneDNN"])
def packer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who multiplies few rows."""
    if request.param == "oneDNN":
        if not torch.backends.mkldnn.is_available():
            pytest.skip("torch was built without oneDNN")
        monkeypatch.setattr(packing, "available_library", lambda: None)
    elif available_library() is None:
        pytest.skip("no C++ compiler, or torch has another OpenMP than GNU's")
    return str(request.param)


@pytest.mark.usefixtures("packer")
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


@needs_onednn
@pytest.mark.usefixtures("packer")
@pytest.mark.parametrize("by_onednn", [False, True])
def test_few_rows_are_multiplied_by_a_packed_copy_and_many_where_onednn_is_faster(
    monkeypatch: pytest.MonkeyPatch, by_onednn: bool
) -> None:
    monkeypatch.setattr(onednn, "onednn_is_quicker", lambda: by_onednn)
    monkeypatch.setattr(onednn, "LEAST_MULTIPLICATIONS", 3 * 2 * (FEW + 2))
    weight = torch.ones(2, 3)
    pack(weight)
    weight.zero_()  # what is packed is a copy
    with torch.no_grad():
        assert product(torch.ones(FEW, 3), weight).sum() == 6 * FEW
        assert product(torch.ones(FEW + 1, 3), weight).sum() == 0
        assert product(torch.ones(FEW + 3, 3), weight).sum() == (6 * (FEW + 3) if by_onednn else 0)


def test_where_nobody_packs_the_matrix_itself_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "available_library", lambda: None)
    monkeypatch.setattr(packing, "packs", lambda _: False)
    for weight in (torch.ones(2, 3), torch.ones(2, 3, dtype=torch.float64)):
        pack(weight)
        with torch.no_grad():
            assert product(torch.ones(4, 3, dtype=weight.dtype), weight).sum() == 24
    assert not is_packed(weight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("outputs", "size"), [(1, 2), (16, 16), (47, 30), (48, 64), (49, 512), (200, 6)])
def test_a_rows_product_is_the_same_bits_beside_any_others(outputs: int, size: int, dtype: torch.dtype) -> None:
    library = available_library()
    if library is None:
        pytest.skip("no C++ compiler, or torch has another OpenMP than GNU's")
    generator = torch.Generator().manual_seed(size)
    rows, bias = torch.randn(29, size, generator=generator).to(dtype), torch.randn(outputs, generator=generator)
    matrix = torch.randn(outputs, size, generator=generator).to(dtype)
    weight = NativeWeight(library, matrix)
    together = weight.product(rows, bias)
    exact = (rows.double() @ matrix.double().t() + bias).to(dtype)
    torch.testing.assert_close(together, exact, rtol=2e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-5 * size)
    for count in range(1, 15):
        assert torch.equal(torch.cat([weight.product(part, bias) for part in rows.split(count)]), together)


def test_a_matrix_whose_size_does_not_fit_is_left_to_others() -> None:
    assert not NativeWeight.fits(torch.zeros(4, 7, dtype=torch.bfloat16))
    weight = torch.ones(4, 7, dtype=torch.bfloat16)
    pack(weight)
    with torch.no_grad():
        assert product(torch.ones(2, 7, dtype=torch.bfloat16), weight).sum() == 56
