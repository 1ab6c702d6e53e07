"""The loops over time equal one step after the other, in value and in every gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nmt.model.attention import AdditiveAttention, Memory
from nmt.model.decoder import lstm_cell
from nmt.model.recurrence import additive_attention_loop, lstm_loop


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
    assert rough.dtype == torch.float32
    assert 0 < (exact - rough).abs().max() < 0.02
