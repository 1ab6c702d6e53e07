"""Products of many rows, which are filled up, are those of the rows alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nmt.model.kernels import onednn
from nmt.model.kernels.matmul import bmm, linear, linears, mm, product
from nmt.model.kernels.onednn import ROWS, filled_up


@pytest.mark.parametrize(
    ("count", "size"),
    [(1, 1), (15, 15), (17, 18), (41, 44), (ROWS, ROWS), (ROWS + 1, 144), (3 * ROWS - 1, 3 * ROWS), (2049, 2176)],
)
def test_filled_up_rows_end_in_zeros_at_few_sizes(count: int, size: int) -> None:
    rows = torch.ones(2, count, 3, dtype=torch.bfloat16)
    filled = filled_up(rows)
    assert torch.equal(filled[:, :count], rows)
    assert filled.shape[1] == size and not filled[:, count:].any()


def assert_same_gradients(
    found: Tensor, expected: Tensor, inputs: tuple[Tensor, ...], towards: Tensor, **tolerance: float
) -> None:
    """Two ways to compute something from the same inputs have the same gradients."""
    for ours, theirs in zip(
        torch.autograd.grad(found, inputs, towards), torch.autograd.grad(expected, inputs, towards), strict=True
    ):
        torch.testing.assert_close(ours, theirs, **tolerance)


@pytest.fixture(params=[False, True], ids=["by MKL", "by oneDNN"])
def by_onednn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Who multiplies in float32, whatever the processor."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip("torch was built without oneDNN")
    monkeypatch.setattr(onednn, "onednn_is_quicker", lambda: request.param)
    monkeypatch.setattr(onednn, "LEAST_MULTIPLICATIONS", 1)
    return bool(request.param)


def test_only_a_processor_with_avx512_leaves_mkl(monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    if "GenuineIntel" not in cpuinfo and torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available():
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
        assert onednn.onednn_is_quicker.__wrapped__()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not onednn.onednn_is_quicker.__wrapped__()


def test_rows_in_float32_are_left_as_they_are_by_mkl(by_onednn: bool) -> None:
    rows = torch.ones(ROWS + 1, 3)
    assert (filled_up(rows) is rows) is not by_onednn


@pytest.mark.usefixtures("by_onednn")
def test_products_are_those_of_torch_however_their_matrices_lie() -> None:
    torch.manual_seed(0)
    wide, high = torch.randn(9, 40), torch.randn(24, 9)
    for rows in (wide[:, 16:], wide[:, :24], high.t(), torch.randn(1, 24), torch.randn(2, 24)[::2]):
        for matrix in (torch.randn(24, 7), torch.randn(7, 24).t(), torch.randn(24, 30)[:, 5:12], torch.randn(24, 1)):
            expected = rows @ matrix
            torch.testing.assert_close(mm(rows, matrix), expected)
            several = torch.stack([rows, 2 * rows])
            torch.testing.assert_close(
                bmm(several, torch.stack([matrix, matrix])), torch.stack([expected, 2 * expected])
            )
            found = mm(rows, matrix, out=torch.empty_like(expected))
            torch.testing.assert_close(found, expected)
    assert mm(torch.empty(0, 3), torch.ones(3, 2)).shape == (0, 2)


@pytest.mark.usefixtures("by_onednn")
@pytest.mark.parametrize("transposed", [False, True])
def test_gradients_are_those_of_torch(transposed: bool) -> None:
    torch.manual_seed(0)
    inputs, weight = torch.randn(5, 3, 8, requires_grad=True), torch.randn(8, 6, requires_grad=True)
    bias, towards = torch.randn(6, requires_grad=True), torch.randn(5, 3, 6)
    given = weight if transposed else weight.t()
    expected, found = inputs @ weight + bias, linear(inputs, given, bias, transposed=transposed)
    torch.testing.assert_close(found, expected)
    assert_same_gradients(found, expected, (inputs, weight, bias), towards)
    # A product with a constant, as of a model that is not trained, has no gradient for it.
    [alone] = torch.autograd.grad(linear(inputs.detach(), given, transposed=transposed), weight, towards)
    torch.testing.assert_close(alone, inputs.detach().flatten(0, 1).t() @ towards.flatten(0, 1))


@pytest.mark.usefixtures("by_onednn")
def test_several_products_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "ROWS", 4)
    torch.manual_seed(0)
    inputs, weights = torch.randn(2, 7, 8, requires_grad=True), torch.randn(2, 8, 6, requires_grad=True)
    biases, towards = torch.randn(2, 6, requires_grad=True), torch.randn(2, 7, 6)
    expected, found = torch.baddbmm(biases[:, None], inputs, weights), linears(inputs, weights, biases)
    torch.testing.assert_close(found, expected)
    assert_same_gradients(found, expected, (inputs, weights, biases), towards)


@pytest.mark.usefixtures("by_onednn")
def test_autocast_and_other_types_are_obeyed() -> None:
    rows, weight = torch.randn(3, 8), torch.randn(8, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(rows[None], weight, transposed=True).dtype == torch.bfloat16
        assert linears(rows[None], weight[None], torch.zeros(1, 6)).dtype == torch.bfloat16
        # A translator in bfloat16 holds its matrices in it.
        held = weight.to(torch.bfloat16)
        assert linear(rows[None], held, transposed=True).dtype == torch.bfloat16
        with torch.no_grad():
            assert product(rows[None], held, transposed=True).dtype == torch.bfloat16
    assert mm(rows.double(), weight.double()).dtype == torch.float64
    with torch.no_grad():
        torch.testing.assert_close(product(rows[None], weight, transposed=True), (rows @ weight)[None])


@pytest.mark.parametrize("rows", [1, 4, 5, 11])
def test_a_product_of_filled_up_rows_is_that_of_the_rows_alone(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(onednn, "ROWS", 4)
    torch.manual_seed(0)
    inputs = torch.randn(rows, 2, 8, dtype=torch.bfloat16, requires_grad=True)
    weight = torch.randn(6, 8, dtype=torch.bfloat16, requires_grad=True)
    bias = torch.randn(6, dtype=torch.bfloat16, requires_grad=True)
    found, expected = linear(inputs, weight, bias), functional.linear(inputs, weight, bias)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, rtol=0.02, atol=0.02)
    towards = torch.randn_like(expected)
    assert_same_gradients(found, expected, (inputs, weight, bias), towards, rtol=0.02, atol=0.05)
