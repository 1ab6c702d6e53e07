"""The loops over time equal one step after the other, in value and in every gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nmt.model import tiling
from nmt.model.attention import AdditiveAttention, Memory
from nmt.model.cell import lstm_cell
from nmt.model.recurrence import additive_attention_loop, lstm_loop


class LargestAllocation(TorchDispatchMode):
    """Watches how large a tensor becomes while it is on."""

    numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.numbers = max(self.numbers, result.untyped_storage().nbytes() // result.element_size())
        return result


def random(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).mul_(0.7).requires_grad_()


def test_gradients_of_the_lstm_loop_are_those_of_its_function() -> None:
    arguments = random(2, 3, 2, 12, seed=1), random(2, 3, 12, seed=2), random(2, 2, 3, seed=3)
    assert torch.autograd.gradcheck(lstm_loop, arguments)


def test_the_lstm_loop_is_one_cell_after_the_other() -> None:
    gates, weight, hidden = random(2, 4, 3, 8, seed=1), random(2, 2, 8, seed=2), random(2, 3, 2, seed=3)
    expected = []
    now, cell = hidden, torch.zeros_like(hidden)
    for t in range(4):
        now, cell = lstm_cell(gates[:, t] + torch.bmm(now, weight), cell)
        expected.append(now)
    assert torch.allclose(lstm_loop(gates, weight, hidden), torch.stack(expected, 1), rtol=0, atol=1e-14)


def test_the_lstm_loop_agrees_with_torch() -> None:
    reference = torch.nn.LSTM(5, 3).double()
    inputs = random(4, 2, 5, seed=4)
    order = torch.tensor([0, 1, 3, 2])  # torch: input, forget, candidate, output

    def reordered(weight: Tensor) -> Tensor:
        return weight.unflatten(0, (4, 3))[order].flatten(0, 1)

    bias = reordered(reference.bias_ih_l0 + reference.bias_hh_l0)
    gates = inputs @ reordered(reference.weight_ih_l0).t() + bias
    ours = lstm_loop(gates[None], reordered(reference.weight_hh_l0).t()[None])
    assert torch.allclose(ours[0], reference(inputs)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("time", "source"), [(1, 1), (3, 4), (2, 1)])
def test_gradients_of_the_attention_loop_are_those_of_its_function(time: int, source: int) -> None:
    batch, size, attention, context = 2, 3, 4, 5
    mask = torch.arange(source) < torch.tensor([[source], [max(1, source - 2)]])
    arguments = (
        random(time, batch, 4 * size, seed=1),
        random(batch, source, attention, seed=2),
        random(batch, source, context, seed=3),
        random(batch, size, seed=4),
        random(size, attention, seed=5),
        random(attention, seed=6),
        random(context + size, 4 * size, seed=7),
    )

    def run(gates: Tensor, keys: Tensor, annotations: Tensor, *others: Tensor) -> tuple[Tensor, Tensor]:
        hidden, contexts, _ = additive_attention_loop(gates, keys, annotations, mask, *others)
        return hidden, contexts

    assert torch.autograd.gradcheck(run, arguments)


def test_attention_of_the_loop_is_that_of_the_step() -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 5, 4).double()
    annotations = random(2, 4, 5, seed=3)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    hidden = random(2, 3, seed=4)
    memory = Memory(annotations, attention.keys(annotations), mask, annotations[:, 0])
    context, weights = attention(hidden[:, None], memory)
    _, contexts, all_weights = additive_attention_loop(
        random(1, 2, 12, seed=1),
        memory.keys,
        annotations,
        mask,
        hidden,
        attention.query_projection.weight.t(),
        attention.energy.weight[0],
        random(8, 12, seed=7),
    )
    assert torch.allclose(contexts[0], context[:, 0], rtol=0, atol=1e-14)
    assert torch.allclose(all_weights[0], weights[:, 0], rtol=0, atol=1e-14)


def test_padding_gets_exactly_no_attention_and_no_gradient() -> None:
    keys, annotations = random(2, 4, 4, seed=2), random(2, 4, 5, seed=3)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    others = random(2, 3, seed=4), random(3, 4, seed=5), random(4, seed=6), random(8, 12, seed=7)
    hidden, contexts, weights = additive_attention_loop(random(3, 2, 12, seed=1), keys, annotations, mask, *others)
    assert torch.equal(weights[:, 1, 2:], torch.zeros(3, 2, dtype=torch.float64))
    (hidden.sum() + contexts.sum()).backward()
    for values in (keys, annotations):
        assert values.grad is not None
        assert not values.grad[1, 2:].any()
        assert values.grad[1, :2].any()


def test_bfloat16_products_change_little() -> None:
    gates, weight = random(1, 6, 4, 32, seed=1).detach().float(), random(1, 8, 32, seed=2).detach().float()
    exact = lstm_loop(gates, weight)
    rough = lstm_loop(gates, weight.bfloat16())
    assert rough.dtype == torch.bfloat16
    assert 0 < (exact - rough).abs().max() < 0.02


@pytest.mark.parametrize("tile_numbers", [1, 40, 1 << 18])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tiles_and_gradients_change_no_value(
    monkeypatch: pytest.MonkeyPatch, tile_numbers: int, dtype: torch.dtype
) -> None:
    arguments = (
        random(3, 5, 8, seed=1).float(),
        random(5, 4, 3, seed=2).float(),
        random(5, 4, 6, seed=3).float(),
        torch.arange(4) < torch.tensor([[4], [1], [2], [3], [4]]),
        random(5, 2, seed=4).float(),
        random(2, 3, seed=5).to(dtype),
        random(3, seed=6).float(),
        random(8, 8, seed=7).to(dtype),
    )
    expected = additive_attention_loop(*arguments)
    monkeypatch.setattr(tiling, "TILE_NUMBERS", tile_numbers)
    with torch.no_grad():
        alone = additive_attention_loop(*arguments)
    for found in (additive_attention_loop(*arguments), alone):
        for ours, theirs in zip(found, expected, strict=True):
            assert torch.allclose(ours, theirs, rtol=0, atol=1e-6)


def test_tiles_change_no_score_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 5, 4)
    keys, query = torch.randn(7, 6, 4), torch.randn(7, 2, 3)
    with torch.no_grad():
        expected = attention.scores(query, keys)
        for numbers in (1, 100):
            monkeypatch.setattr(tiling, "TILE_NUMBERS", numbers)
            assert torch.allclose(attention.scores(query, keys), expected, rtol=0, atol=1e-6)


def test_without_gradient_the_memory_does_not_grow_with_the_target() -> None:
    time, source, attention = 400, 50, 64
    arguments = (
        torch.zeros(time, 2, 4),
        torch.zeros(2, source, attention),
        torch.zeros(2, source, 1),
        torch.ones(2, source, dtype=torch.bool),
        torch.zeros(2, 1),
        torch.zeros(1, attention),
        torch.zeros(attention),
        torch.zeros(2, 4),
    )
    with torch.no_grad(), LargestAllocation() as largest:
        additive_attention_loop(*arguments)
    assert largest.numbers < time * 2 * source * attention / 10
