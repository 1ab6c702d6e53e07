"""Whether the loops over time run by kernels for a GPU."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch

import nmt.model
from nmt.model.kernels import dispatch

CPU = torch.device("cpu")


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Stands for those in Triton, which is not installed everywhere."""
    module = ModuleType("nmt.model.kernels.triton")
    monkeypatch.setitem(sys.modules, "nmt.model.kernels.triton", module)
    monkeypatch.setattr(nmt.model, "kernels", module, raising=False)
    monkeypatch.setattr(dispatch, "find_spec", lambda _: object())
    dispatch._kernels.cache_clear()
    yield module
    dispatch._kernels.cache_clear()


def test_kernels_that_work_are_used(kernels: ModuleType) -> None:
    kernels.advance = lambda *tensors: [tensor.shape for tensor in tensors]  # type: ignore[attr-defined]
    assert dispatch._kernels(CPU) is kernels


def test_without_a_compiler_training_goes_on_without_kernels(
    kernels: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    def advance(*_: Any) -> None:
        raise RuntimeError("Failed to find C compiler.\nPlease specify one.")

    kernels.advance = advance  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING, "nmt"):
        assert dispatch._kernels(CPU) is None
        assert dispatch._kernels(CPU) is None
    assert [record.getMessage() for record in caplog.records] == [
        "the loops over time run without kernels of their own, and slower: Failed to find C compiler."
    ]
