"""From a configuration to a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nmt.build import build_model, outline_model
from nmt.config import ModelConfig, load_config

CONFIGS = Path(__file__).parents[1] / "configs"

KINDS = [
    {},
    {"attention": "general", "tie_embeddings": "none", "layer_norm": True},
    {"attention": "none", "encoder": {"layers": 2}, "decoder": {"layers": 2, "conditional": True}},
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_outline_has_the_shapes_of_the_model_and_no_numbers(kind: dict[str, object]) -> None:
    config = ModelConfig.model_validate(kind)
    outline = dict(outline_model(config, 10, 10).named_parameters())
    expected = dict(build_model(config, 10, 10).named_parameters())
    assert {name: tensor.shape for name, tensor in outline.items()} == {
        name: tensor.shape for name, tensor in expected.items()
    }
    assert all(tensor.is_meta for tensor in outline.values())


def test_an_outline_loads_no_compiler() -> None:
    code = (
        "import sys; from nmt.build import outline_model; from nmt.config import ModelConfig; "
        "outline_model(ModelConfig(), 10, 10); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_with_and_without_attention_the_budget_of_parameters_is_the_same() -> None:
    configs = [load_config(str(CONFIGS / f"{name}.yaml")) for name in ("multi30k_en_fr", "multi30k_en_fr_no_attention")]
    # Its vocabulary is as large as asked for: Multi30k fills it.
    sizes = [config.tokenizer.vocabulary_size for config in configs]
    budgets = [
        sum(parameter.numel() for parameter in build_model(config.model, size, size).parameters())
        for config, size in zip(configs, sizes, strict=True)
    ]
    assert abs(budgets[1] / budgets[0] - 1) < 0.01
    assert configs[1].model.attention == "none"
    with_attention, without = (config.model_dump() for config in configs)
    for key in ("attention", "attention_size", "decoder"):
        del with_attention["model"][key], without["model"][key]
    assert with_attention.pop("name") != without.pop("name")
    assert with_attention == without
