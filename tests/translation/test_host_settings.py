"""What the program that calls this one has set in torch changes nothing here, and stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt import Translator, load_config, train
from nmt.device import own_settings
from nmt.search.options import SamplingOptions

LINES = ["ba ce di", "fo gu", "", "ha je ki lo mu ba"]


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SETTINGS: dict[str, Callable[[], Any]] = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "another device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "inference": torch.inference_mode,
    "no gradients": torch.no_grad,
}


def settings() -> tuple[object, ...]:
    device, dtype = torch.get_default_device(), torch.get_default_dtype()
    switches = torch.is_autocast_enabled("cpu"), torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    return device, dtype, switches, torch.get_num_threads()


def everything(model: Path) -> list[object]:
    translator = Translator.load(model)
    found: list[object] = [translator.translate(LINES, translator.options(attention=False))]
    found.append(translator.translate(LINES, translator.options(sampling=SamplingOptions(seed=3))))
    return [repr(one) for one in found] + [repr(translator.attend(LINES[0]).translation)]


@pytest.mark.parametrize("name", SETTINGS)
def test_translations_do_not_depend_on_what_the_host_set(name: str, model: Path) -> None:
    expected = everything(model)
    with SETTINGS[name]():
        before = settings()
        assert everything(model) == expected
        assert settings() == before


@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_does_not_depend_on_what_the_host_set(name: str, configuration: Path, tmp_path: Path) -> None:
    config = load_config(str(configuration), ["training.max_steps=2", "training.validate_every=2"])
    train(config, tmp_path / "expected")
    with SETTINGS[name]():
        before = settings()
        train(config, tmp_path / "run")
        assert settings() == before
    weights = [next((tmp_path / run).rglob("step-*/model.safetensors")) for run in ("expected", "run")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_the_defaults_come_back_when_the_last_has_left() -> None:
    with default_dtype(torch.float64), ExitStack() as second:
        with own_settings():
            second.enter_context(own_settings())
        assert torch.get_default_dtype() == torch.float32
        second.close()
        assert torch.get_default_dtype() == torch.float64
