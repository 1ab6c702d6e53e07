"""The kernels of a step of search compute what torch's own operations do, each row as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from nmt.model.attention import AdditiveAttention, Memory
from nmt.model.kernels import dispatch
from nmt.model.kernels.dispatch import search_kernels
from nmt.model.kernels.interface import SearchKernels
from nmt.model.kernels.lstm_cell import lstm_cell
from nmt.search.beam import extensions_by_torch
from nmt.search.hypothesis import Expansion

TYPES = [torch.float32, torch.bfloat16]
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture
def kernels(dtype: torch.dtype) -> SearchKernels:
    found = search_kernels(torch.zeros(1, dtype=dtype))
    if found is None:
        pytest.skip("no C++ compiler, or torch has another OpenMP than GNU's")
    return found


def drawn(*shape: int, seed: int, dtype: torch.dtype = torch.float32, scale: float = 1.5) -> Tensor:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale).to(dtype)


def assert_close(found: Tensor, expected: Tensor, *, digits_of: torch.dtype) -> None:
    error = 3e-6 if digits_of == torch.float32 else 1 / 64
    torch.testing.assert_close(found.float(), expected.float(), rtol=error, atol=error, equal_nan=True)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", [1, 15, 16, 37, 512])
@pytest.mark.parametrize("added", ["gates", "bias", "bias of the products' type"])
def test_a_transition_is_that_of_torch(kernels: SearchKernels, dtype: torch.dtype, size: int, added: str) -> None:
    recurrent, cell = drawn(3, 5, 4 * size, seed=1, dtype=dtype), drawn(3, 5, size, seed=2)
    recurrent[0, 1, 0], cell[2, 2, 0] = NAN, INFINITY
    shape = (3, 5, 4 * size) if added == "gates" else (4 * size,)
    other = drawn(*shape, seed=3, dtype=torch.float32 if added == "bias" else dtype)
    hidden, now = kernels.lstm_cell(recurrent, other, cell)
    expected = lstm_cell(recurrent.float() + other.float(), cell)
    assert (hidden.dtype, now.dtype) == (dtype, torch.float32)
    assert_close(now, expected[1], digits_of=torch.float32)
    assert_close(hidden, expected[0], digits_of=dtype)
    # States that lie otherwise in memory, and a row alone.
    other = other if other.dim() == 1 else other.transpose(0, 1)
    turned, _ = kernels.lstm_cell(recurrent.transpose(0, 1), other, cell.transpose(0, 1))
    torch.testing.assert_close(turned.transpose(0, 1), hidden, rtol=0, atol=0, equal_nan=True)
    other = other if other.dim() == 1 else other[2:3, 1:2]
    alone, _ = kernels.lstm_cell(recurrent[1:2, 2:3], other, cell[1:2, 2:3])
    assert torch.equal(alone[0, 0], hidden[1, 2])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("source", "size"), [(1, 1), (7, 33), (30, 512)])
@pytest.mark.parametrize("width", [1, 5])
def test_attention_is_that_of_torch(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, source: int, size: int, width: int
) -> None:
    if search_kernels(torch.zeros(1, dtype=dtype)) is None:
        pytest.skip("no C++ compiler, or torch has another OpenMP than GNU's")
    torch.manual_seed(0)
    attention = AdditiveAttention(8, 24, size).to(dtype)
    attention.energy.float()
    annotations, lengths = (
        drawn(4, source, 24, seed=1, dtype=dtype),
        torch.tensor([source, 1, source, max(1, source // 2)]),
    )
    mask = torch.arange(source) < lengths[:, None]
    annotations[1, 1:] = NAN  # padding is not read
    query = drawn(4, width, 8, seed=2, dtype=dtype)
    memory = Memory(annotations, attention.keys(annotations), mask, annotations[:, 0])
    context, weights = attention(query, memory)
    assert (context.dtype, weights.dtype) == (dtype, torch.float32)
    assert not weights[~mask[:, None].expand_as(weights)].any()

    annotations[1, 1:] = 0
    monkeypatch.setattr("nmt.model.attention.search_kernels", lambda _: None)
    expected = attention(query, Memory(annotations, attention.keys(annotations), mask, annotations[:, 0]))
    assert_close(context, expected[0], digits_of=dtype)
    assert_close(weights, expected[1], digits_of=dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_querys_attention_is_the_same_bits_beside_any_others(kernels: SearchKernels, dtype: torch.dtype) -> None:
    query, keys = drawn(3, 5, 40, seed=1, dtype=dtype), drawn(3, 9, 40, seed=2, dtype=dtype)
    annotations, mask = drawn(3, 9, 24, seed=3, dtype=dtype), torch.ones(3, 9, dtype=torch.bool)
    energy = drawn(40, seed=4)
    together = kernels.additive_attention(query, keys, annotations, mask, energy)
    alone = kernels.additive_attention(query[1:2, 3:4], keys[1:2], annotations[1:2], mask[1:2], energy)
    for found, expected in zip(alone, together, strict=True):
        assert torch.equal(found[0, 0], expected[1, 3])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("vocabulary", [1, 5, 16, 100, 5003])
def test_the_normaliser_is_that_of_torch(kernels: SearchKernels, dtype: torch.dtype, vocabulary: int) -> None:
    logits = drawn(2, 3, vocabulary, seed=1, dtype=dtype, scale=10)
    logits[0, 1] += 3000
    logits[0, 2] -= 3000
    logits[1, 0, 1:] = -INFINITY
    found = kernels.log_normaliser(logits)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, logits.float().logsumexp(-1), rtol=1e-6, atol=2e-6)
    for strange in (NAN, INFINITY):
        logits[1, 2, -1] = strange
        found = kernels.log_normaliser(logits)
        assert not found[1, 2].isfinite() and found[:, 0].isfinite().all()
    assert not kernels.log_normaliser(torch.full((1, 1, vocabulary), -INFINITY, dtype=dtype)).isfinite()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("vocabulary", [7, 16, 40, 5003])
@pytest.mark.parametrize("count", [1, 6, 7])
def test_the_largest_are_those_of_a_stable_sort(
    kernels: SearchKernels, dtype: torch.dtype, vocabulary: int, count: int
) -> None:
    logits = drawn(3, 4, vocabulary, seed=vocabulary, dtype=dtype).round(decimals=1)  # many are equal
    logits[0, 0] = logits[0, 0].sort().values
    logits[0, 1, 2:] = -INFINITY
    values, places = kernels.largest(logits, count)
    expected, order = torch.sort(logits.float(), dim=-1, descending=True, stable=True)
    assert torch.equal(values, expected[..., :count])
    assert torch.equal(places, order[..., :count])
    logits[2, 2, 3] = NAN
    values, places = kernels.largest(logits, count)
    assert values[2, 2, : count - 1].isfinite().all() and not (places[2, 2, : count - 1] == 3).any()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("vocabulary", "width", "hypotheses"), [(5, 5, 1), (7, 5, 5), (16, 1, 1), (40, 3, 3), (5003, 5, 5), (300, 12, 12)]
)
@pytest.mark.parametrize("seed", range(4))
def test_the_best_extensions_are_those_of_torch(
    kernels: SearchKernels, dtype: torch.dtype, vocabulary: int, width: int, hypotheses: int, seed: int
) -> None:
    logits = drawn(3, hypotheses, vocabulary, seed=seed, dtype=dtype, scale=3)
    if seed % 2:
        logits = logits.round()  # many are equal
    offset = drawn(3, hypotheses, seed=seed + 10, scale=0.5).round(decimals=seed % 3)
    offset[1, -1] = -INFINITY  # holds no hypothesis
    logits[2, 0, 3:] = -INFINITY
    excluded = torch.tensor([2, 0])
    found = Expansion(*kernels.best_extensions(logits, offset, excluded, 2, width))
    expected = extensions_by_torch(logits, offset, excluded, 2, width)
    assert torch.equal(found.log_probabilities, expected.log_probabilities)
    assert torch.equal(found.endings, expected.endings)
    there = expected.log_probabilities > -INFINITY
    assert torch.equal(found.parents[there], expected.parents[there])
    assert torch.equal(found.tokens[there], expected.tokens[there])
    assert ((found.parents[~there] == 0) & (found.tokens[~there] == 2)).all()
    # A sentence alone, in a layout of its own.
    alone = kernels.best_extensions(
        logits.transpose(0, 1).contiguous().transpose(0, 1)[1:2], offset[1:2], excluded, 2, width
    )
    for one, together in zip(alone, found, strict=False):
        assert torch.equal(one[0], together[1])


@pytest.mark.parametrize("dtype", TYPES)
def test_extensions_without_a_number_are_none(kernels: SearchKernels, dtype: torch.dtype) -> None:
    logits, offset = drawn(1, 2, 9, seed=1, dtype=dtype), torch.zeros(1, 2)
    logits[0, 0, 4:7] = NAN
    logits[0, 1] = NAN
    parents, tokens, totals, _ = kernels.best_extensions(logits, offset, torch.tensor([1]), 1, 6)
    assert totals[0, :5].isfinite().all() and totals[0, 5] == -INFINITY
    assert parents.max() == 0 and not torch.isin(tokens[0, :5], torch.tensor([1, 4, 5, 6])).any()


def test_a_model_on_a_gpu_and_one_that_learns_have_none() -> None:
    assert search_kernels(torch.zeros(1, device="meta")) is None
    with torch.enable_grad():
        assert search_kernels(torch.zeros(1)) is None
    assert (
        dispatch.lstm_transition(
            torch.zeros(1, 4, dtype=torch.float64),
            torch.zeros(4, dtype=torch.float64),
            torch.zeros(1, 1, dtype=torch.float64),
        )[0].dtype
        == torch.float64
    )
