"""The numbers search compares hypotheses by."""

from __future__ import annotations

import pytest
import torch

from nmt.search.scoring import first_largest, largest, log_normaliser


@pytest.mark.parametrize("shift", [-1e4, -300.0, -50.0, 0.0, 50.0, 300.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_of_any_size_are_normalised(shift: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 40, 7).to(dtype)
    logits[1] += shift
    found = log_normaliser(logits)
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), logits.double().logsumexp(-1), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_leaves_no_probabilities_is_not_hidden(value: float) -> None:
    logits = torch.zeros(1, 2, 7)
    logits[0, 1] = value
    assert log_normaliser(logits).isfinite().tolist() == [[True, False]]


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("vocabulary", [5, 640, 5003])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("apart", [False, True])
def test_the_largest_logits_are_those_of_topk_by_blocks_too(
    rows: int, vocabulary: int, dtype: torch.dtype, apart: bool
) -> None:
    generator = torch.Generator().manual_seed(rows + vocabulary)
    logits = torch.randn(rows, 4, vocabulary + apart, generator=generator).to(dtype)[..., :vocabulary]
    values, tokens = largest(logits, 5)
    assert torch.equal(values, logits.topk(5).values)
    assert torch.equal(logits.gather(-1, tokens), values)


@pytest.mark.parametrize("count", [1, 7, 300, 4000])
@pytest.mark.parametrize("size", [5, 3000])
def test_the_first_of_the_largest_are_the_beginning_of_a_stable_sort(count: int, size: int) -> None:
    values = torch.randn(2, 4, size, generator=torch.Generator().manual_seed(count))
    values[1] = (3 * values[1]).round()
    values[1, 0, 4:] = float("-inf")
    values[1, 1] = 0.5
    ranked, places = torch.sort(values, dim=-1, descending=True, stable=True)
    found, where = first_largest(values, count)
    assert torch.equal(found, ranked[..., :count]) and torch.equal(where, places[..., :count])
    for rows, of_row in zip(values.flatten(0, 1), where.flatten(0, 1), strict=True):
        assert torch.equal(first_largest(rows, count)[1], of_row)
