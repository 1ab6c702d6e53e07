"""The kernels for a GPU do what torch's operations do: in Triton's interpreter, where it is asked for.

It needs no GPU, but Triton installed: TRITON_INTERPRET=1 pytest tests/model/kernels/test_triton.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import chain

import pytest
import torch
from torch import Tensor

from nmt.model.kernels import dispatch
from nmt.model.kernels.attention_loop import LoopWeights, attention_loop
from nmt.model.kernels.lstm_loop import lstm_loop

pytestmark = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") != "1", reason="wants Triton and its interpreter")

Loop = Callable[[], tuple[list[Tensor], list[Tensor]]]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def leaves(*shapes: tuple[int, ...], dtype: torch.dtype) -> list[Tensor]:
    return [(torch.randn(shape) * 0.7).to(dtype).requires_grad_() for shape in shapes]


def with_kernels(monkeypatch: pytest.MonkeyPatch, run: Loop, tolerance: float = 2e-5) -> None:
    """Both ways, with values and gradients that agree; sizes are relative to the largest."""
    expected = run()
    from nmt.model.kernels.triton import KERNELS

    monkeypatch.setattr(dispatch, "_triton_for", lambda _: KERNELS)
    for ours, theirs in zip(chain(*run()), chain(*expected), strict=True):
        largest = float(theirs.detach().abs().max())
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance * largest)


@pytest.mark.parametrize(("directions", "size"), [(2, 5), (1, 300)])
def test_the_lstm_loop(directions: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = leaves(
        (directions, 3, 2, 4 * size), (directions, size, 4 * size), (directions, 2, size), dtype=torch.float32
    )
    with torch.no_grad():
        given[1] /= size**0.5

    def run() -> tuple[list[Tensor], list[Tensor]]:
        hidden = lstm_loop(*given)
        return [hidden], list(torch.autograd.grad((hidden * hidden.detach().cos()).sum(), given))

    with_kernels(monkeypatch, run)


@pytest.mark.parametrize(("source", "attention", "context"), [(1, 3, 5), (5, 300, 70), (40, 20, 270)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("conditional", "weights_learn"), [(False, False), (False, True), (True, True)])
def test_the_attention_loop(
    source: int,
    attention: int,
    context: int,
    conditional: bool,
    weights_learn: bool,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time, batch, size = 3, 2, 6
    given = leaves((time, batch, 4 * size), (batch, source, attention), (batch, source, context), dtype=dtype)
    given += leaves((batch, size), (attention,), dtype=torch.float32)
    given += leaves((size, attention), (context + size, 4 * size), dtype=dtype)
    gates, keys, annotations, hidden, energy, query_weight, recurrent_weight = given
    weights = LoopWeights(recurrent_weight, query_weight, energy)
    if conditional:
        between = leaves((size, 4 * size), (4 * size,), dtype=dtype)
        given += between
        weights = LoopWeights(*weights[:3], *between)
    mask = torch.arange(source) < torch.tensor([[source], [max(1, source - 2)]])

    def run() -> tuple[list[Tensor], list[Tensor]]:
        found = attention_loop(gates, keys, annotations, mask, hidden, weights, weights_learn=weights_learn)
        learn = found if weights_learn else found[:2]
        loss = sum((values.float() * (3 * values.detach().float()).cos()).sum() for values in learn)
        assert isinstance(loss, Tensor)
        return list(found), list(torch.autograd.grad(loss, given))

    with_kernels(monkeypatch, run, 0.03 if dtype == torch.bfloat16 else 2e-5)
    with torch.no_grad():
        alone = attention_loop(gates, keys, annotations, mask, hidden, weights)
    for ours, theirs in zip(alone, run()[0], strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not alone[2][:, 1, max(1, source - 2) :].any()
