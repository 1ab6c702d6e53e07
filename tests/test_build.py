"""From a configuration to a model."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nmt.build import build_model, outline_model
from nmt.config import ModelConfig

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
