"""The attentional LSTM over time equals one step after the other, in value and in every gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nmt.model.attention import AdditiveAttention, Memory
from nmt.model.kernels import additive_attention
from nmt.model.kernels.attention_loop import LoopWeights, attention_loop
from nmt.model.kernels.native.library import SWITCH


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


@pytest.mark.parametrize(("time", "source"), [(1, 1), (3, 4), (2, 1)])
@pytest.mark.parametrize("score", ["additive", "product"])
@pytest.mark.parametrize("transitions", [1, 2])
@pytest.mark.parametrize("weights_learn", [False, True])
def test_gradients_of_the_loop_are_those_of_its_function(
    weights_learn: bool, transitions: int, score: str, time: int, source: int
) -> None:
    batch, size, context = 2, 3, 5
    attention = 4 if score == "additive" else size
    mask = torch.arange(source) < torch.tensor([[source], [max(1, source - 2)]])
    given = {
        "input_gates": random(time, batch, 4 * size, seed=1),
        "keys": random(batch, source, attention, seed=2),
        "annotations": random(batch, source, context, seed=3),
        "hidden": random(batch, size, seed=4),
    }
    weights = {"recurrent": random(context + size, 4 * size, seed=7)}
    if score == "additive":
        weights |= {"query": random(size, attention, seed=5), "energy": random(attention, seed=6)}
    if transitions == 2:
        weights |= {"word": random(size, 4 * size, seed=8), "context_bias": random(4 * size, seed=9)}

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        others, of_loop = values[: len(given)], values[len(given) :]
        loop = LoopWeights(**dict(zip(weights, of_loop, strict=True)))
        arguments = dict(zip(given, others, strict=True))
        found = attention_loop(mask=mask, weights=loop, **arguments, weights_learn=weights_learn)
        assert found[2].requires_grad == weights_learn
        return found if weights_learn else found[:2]

    assert torch.autograd.gradcheck(run, (*given.values(), *weights.values()))


def test_attention_of_the_loop_is_that_of_the_step() -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 5, 4).double()
    annotations = random(2, 4, 5, seed=3)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    hidden = random(2, 3, seed=4)
    memory = Memory(annotations, attention.keys(annotations), mask, annotations[:, 0])
    context, weights = attention(hidden[:, None], memory)
    _, contexts, all_weights = attention_loop(
        random(1, 2, 12, seed=1),
        memory.keys,
        annotations,
        mask,
        hidden,
        LoopWeights(random(8, 12, seed=7), attention.query_projection.weight.t(), attention.energy.weight[0]),
    )
    assert torch.allclose(contexts[0], context[:, 0], rtol=0, atol=1e-14)
    assert torch.allclose(all_weights[0], weights[:, 0], rtol=0, atol=1e-14)


def test_padding_gets_exactly_no_attention_and_no_gradient() -> None:
    keys, annotations = random(2, 4, 4, seed=2), random(2, 4, 5, seed=3)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    loop = LoopWeights(random(8, 12, seed=7), random(3, 4, seed=5), random(4, seed=6))
    given = random(3, 2, 12, seed=1), keys, annotations, mask, random(2, 3, seed=4)
    hidden, contexts, weights = attention_loop(*given, loop)
    assert torch.equal(weights[:, 1, 2:], torch.zeros(3, 2, dtype=torch.float64))
    (hidden.sum() + contexts.sum()).backward()
    for values in (keys, annotations):
        assert values.grad is not None
        assert not values.grad[1, 2:].any()
        assert values.grad[1, :2].any()


@pytest.mark.parametrize("tile_numbers", [1, 40, 1 << 18])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tiles_and_gradients_change_no_value(
    monkeypatch: pytest.MonkeyPatch, tile_numbers: int, dtype: torch.dtype
) -> None:
    monkeypatch.setenv(SWITCH, "torch")
    arguments = (
        random(3, 5, 8, seed=1).float(),
        random(5, 4, 3, seed=2).float(),
        random(5, 4, 6, seed=3).float(),
        torch.arange(4) < torch.tensor([[4], [1], [2], [3], [4]]),
        random(5, 2, seed=4).float(),
        LoopWeights(random(8, 8, seed=7).to(dtype), random(2, 3, seed=5).to(dtype), random(3, seed=6).float()),
    )
    expected = attention_loop(*arguments)
    monkeypatch.setattr(additive_attention, "TILE_NUMBERS", tile_numbers)
    with torch.no_grad():
        alone = attention_loop(*arguments)
    for found in (attention_loop(*arguments), alone):
        for ours, theirs in zip(found, expected, strict=True):
            assert torch.allclose(ours, theirs, rtol=0, atol=1e-6)


def test_tiles_change_no_score_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 5, 4)
    keys, query = torch.randn(7, 6, 4), torch.randn(7, 2, 3)
    with torch.no_grad():
        expected = attention.scores(query, keys)
        for numbers in (1, 100):
            monkeypatch.setattr(additive_attention, "TILE_NUMBERS", numbers)
            assert torch.allclose(attention.scores(query, keys), expected, rtol=0, atol=1e-6)


def test_without_gradient_the_memory_does_not_grow_with_the_target() -> None:
    time, source, attention = 400, 50, 64
    arguments = (
        torch.zeros(time, 2, 4),
        torch.zeros(2, source, attention),
        torch.zeros(2, source, 1),
        torch.ones(2, source, dtype=torch.bool),
        torch.zeros(2, 1),
        LoopWeights(torch.zeros(2, 4), torch.zeros(1, attention), torch.zeros(attention)),
    )
    with torch.no_grad(), LargestAllocation() as largest:
        attention_loop(*arguments)
    assert largest.numbers < time * 2 * source * attention / 10
