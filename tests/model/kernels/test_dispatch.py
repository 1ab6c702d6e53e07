"""Claims about which kernels the loops over time run by: Triton's where they work, torch's own operations elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from nmt.model.kernels import dispatch
from nmt.model.kernels.additive_attention import AdditiveBackward, AdditiveForward

CPU = torch.device("cpu")


# Stands for the kernels in Triton, which is not installed everywhere.
STANDIN = dispatch.TORCH._replace(
    lstm_step=lambda *_: None, additive_forward=Mock(), additive_backward=Mock(), longest_source=5
)


@pytest.fixture
def triton(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """As if Triton were installed, with the stand-in for kernels."""
    module = ModuleType("nmt.model.kernels.triton")
    module.KERNELS = STANDIN  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nmt.model.kernels.triton", module)
    monkeypatch.setattr(dispatch, "find_spec", lambda _: object())
    dispatch.triton_kernels.cache_clear()
    yield module
    dispatch.triton_kernels.cache_clear()


@pytest.mark.usefixtures("triton")
def test_kernels_that_work_are_used() -> None:
    assert dispatch.triton_kernels(CPU) is STANDIN


def test_a_source_too_long_for_the_kernels_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_triton_for", lambda _: STANDIN)
    weight = torch.zeros(1, device="meta")
    short, long = (dispatch.choose_kernels(weight, source=size) for size in (5, 6))
    assert short is STANDIN
    assert long.lstm_step is STANDIN.lstm_step
    assert (long.additive_forward, long.additive_backward) == (AdditiveForward, AdditiveBackward)


def test_without_a_compiler_training_goes_on_without_kernels(
    triton: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    def lstm_step(*_: Any) -> None:
        raise RuntimeError("Failed to find C compiler.\nPlease specify one.")

    triton.KERNELS = STANDIN._replace(lstm_step=lstm_step)  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING, "nmt"):
        assert dispatch.triton_kernels(CPU) is None
        assert dispatch.triton_kernels(CPU) is None
    assert [record.getMessage() for record in caplog.records] == [
        "the loops over time run without kernels of their own, and slower: Failed to find C compiler."
    ]
