"""What a model is, told from its directory without loading its weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from nmt.loading import read_parts
from nmt.manifest import SHARED_TOKENIZER


def describe_model(directory: Path) -> dict[str, Any]:
    """Languages, sizes, parameters, scores and the whole configuration of a checkpoint or exported model.

    Raises:
        ModelError: it is damaged, or not a model of this program.
    """
    description, config, source, target, _ = read_parts(directory)
    return {
        "directory": str(directory),
        "name": config.name,
        "source_language": config.data.source_language,
        "target_language": config.data.target_language,
        "parameters": sum(math.prod(kind.shape) for kind in description.tensors.values()),
        "vocabulary": {
            "source": source.size,
            "target": target.size,
            "shared": SHARED_TOKENIZER in description.tokenizers,
        },
        "training": dict(description.summary),
        "tensors": {name: list(kind.shape) for name, kind in sorted(description.tensors.items())},
        "configuration": config.model_dump(mode="json"),
        "configuration_yaml": config.as_yaml(),
    }


def as_text(description: dict[str, Any]) -> list[str]:
    """The description in lines for a reader."""
    configuration, vocabulary, training = (
        description["configuration"],
        description["vocabulary"],
        description["training"],
    )
    model = configuration["model"]
    size = (
        f"{vocabulary['source']:,}" if vocabulary["shared"] else f"{vocabulary['source']:,} / {vocabulary['target']:,}"
    )
    lines = [
        f"{description['name']}: {description['source_language']} → {description['target_language']}",
        f"directory    {description['directory']}",
        f"parameters   {description['parameters']:,}",
        f"vocabulary   {size} {configuration['tokenizer']['kind']}" + (", shared" if vocabulary["shared"] else ""),
        f"encoder      bidirectional LSTM, {model['encoder']['layers']} × 2 × {model['encoder']['hidden_size']}",
        f"decoder      LSTM, {model['decoder']['layers']} × {model['decoder']['hidden_size']}, "
        f"{model['attention']} attention",
    ]
    if training.get("step"):
        lines.append(f"trained      {training['step']:,} steps, {training['training_seconds'] / 60:.1f} minutes")
    if training.get("best_score") is not None:
        score = abs(training["best_score"])
        lines.append(f"validation   {training['metric']} {score:.2f} (best, at step {training['best_step']:,})")
    return [*lines, "", "configuration:", *(f"  {line}" for line in description["configuration_yaml"].splitlines())]
