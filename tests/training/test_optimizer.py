"""The optimizer makes the steps of torch's own, and loads nothing of torch that training does not use."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from nmt.config import TrainingConfig
from nmt.training.optimizer import MOMENTS, Adam

WITHOUT_COMPILER = """
import sys
import torch
from nmt.config import TrainingConfig
from nmt.training.optimizer import Adam

weight = torch.nn.Parameter(torch.ones(3))
weight.grad = torch.ones(3)
Adam(TrainingConfig(), {"weight": weight}).step(0.1)
print(*({"torch._dynamo", "sympy"} & sys.modules.keys()))
"""


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_its_steps_are_those_of_torch_bit_for_bit(kind: str) -> None:
    config = TrainingConfig(optimizer=kind, adam_betas=(0.8, 0.95), weight_decay=0.01 * (kind == "adamw"))  # type: ignore[arg-type]
    torch.manual_seed(1)
    ours = {name: torch.nn.Parameter(torch.randn(3, 50)) for name in ("first", "second")}
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in ours.values()]
    optimizer = Adam(config, ours)
    settings: dict[str, Any] = {"betas": (0.8, 0.95), "weight_decay": config.weight_decay, "fused": True}
    expected = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](theirs, eps=config.adam_epsilon, **settings)
    for step in range(5):
        for mine, other in zip(ours.values(), theirs, strict=True):
            mine.grad = torch.randn(3, 50) * 10.0**-step
            other.grad = mine.grad.clone()
        expected.param_groups[0]["lr"] = rate = 0.1 / (step + 1)
        optimizer.step(rate)
        expected.step()
    for (name, mine), other in zip(ours.items(), theirs, strict=True):
        assert torch.equal(mine, other)
        for moment in MOMENTS:
            assert torch.equal(optimizer.tensors[f"{moment}.{name}"], expected.state[other][moment])


def test_a_parameter_without_gradient_stays_as_it_is() -> None:
    weights = {name: torch.nn.Parameter(torch.ones(3)) for name in ("one", "other")}
    weights["one"].grad = torch.ones(3)
    optimizer = Adam(TrainingConfig(), weights)
    optimizer.step(0.1)
    assert weights["other"].eq(1).all() and not weights["one"].eq(1).any()
    assert (optimizer.tensors["step.one"], optimizer.tensors["step.other"]) == (1, 0)


def test_it_does_not_load_the_compiler_of_torch() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_COMPILER], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
