"""The description and the verification of a model as text and as JSON, of `nmt info`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt.checkpoint.verify import VerifiedPart
from nmt.errors import Problem


def as_json(description: dict[str, Any]) -> str:
    """Formats what `nmt.checkpoint.describe` returns as one object."""
    return json.dumps(description, ensure_ascii=False)


def as_text(description: dict[str, Any]) -> list[str]:
    """Formats what `nmt.checkpoint.describe` returns as lines for a reader."""
    configuration, vocabulary, training = (description[key] for key in ("configuration", "vocabulary", "training"))
    model = configuration["model"]
    size = f"{vocabulary['source']:,}" + ("" if vocabulary["shared"] else f" / {vocabulary['target']:,}")
    lines = [
        f"{description['name']}: {description['source_language']} → {description['target_language']}",
        f"directory    {description['directory']}",
        f"parameters   {description['parameters']:,}",
        f"vocabulary   {size} {configuration['tokenizer']['kind']}" + (", shared" if vocabulary["shared"] else ""),
        f"encoder      bidirectional LSTM, {model['encoder']['layers']} × 2 × {model['encoder']['hidden_size']}",
        f"decoder      LSTM, {model['decoder']['layers']} × {model['decoder']['hidden_size']}, "
        f"{'no' if model['attention'] == 'none' else model['attention']} attention",
    ]
    if vocabulary["tags"]:
        lines.append(f"tags         {', '.join(vocabulary['tags'])}")
    if training.get("step"):
        lines.append(f"trained      {training['step']:,} steps, {training['training_seconds'] / 60:.1f} minutes")
    if origin := training.get("initialized_from"):
        lines.append(f"went on from {origin['name']} (sha256 {origin['sha256'][:12]}…)")
    if training.get("best_score") is not None:
        score = abs(training["best_score"])
        tokenize = training.get("validation_tokenize", "13a")
        metric = training["metric"] + (f" ({tokenize})" if training["metric"] == "bleu" and tokenize != "13a" else "")
        lines.append(f"validation   {metric} {score:.2f} (best, at step {training['best_step']:,})")
    return [*lines, "", "configuration:", *(f"  {line}" for line in description["configuration_yaml"].splitlines())]


def verified_as_text(part: VerifiedPart) -> str:
    """Formats a line about a part of a model that was verified."""
    if not part.problems:
        return f"{part.path}: sound"
    rest = f", but for {', '.join(part.sound)}" if part.sound else ""
    use = "; good enough to translate with" if part.translates else ""
    return f"{part.path}: damaged{rest}{use}"


def verified_as_json(model: Path, parts: Sequence[VerifiedPart], problems: Sequence[Problem]) -> str:
    """Formats one object about all parts of a model and the problems found in any of them."""
    found = {"directory": str(model), "sound": not problems, "parts": list(map(_verified_part, parts))}
    return json.dumps(found, ensure_ascii=False)


def _verified_part(part: VerifiedPart) -> dict[str, Any]:
    return {
        "path": str(part.path),
        "kind": part.kind,
        "sound": not part.problems,
        "files": list(part.sound),
        "problems": [{"where": problem.where, "what": problem.what} for problem in part.problems],
    }
