"""Scores of a translation as text and as JSON, of `nmt eval`."""

from __future__ import annotations

import json
from typing import Any

from nmt.evaluation.metrics import TITLES, Scores
from nmt.evaluation.plain_data import score_data


def as_text(scores: Scores, seconds: float | None) -> list[str]:
    """Formats a line for each metric, its name, score and signature, and one of the speed unless `seconds` is None, as
    for a finished translation."""
    lines = []
    for metric, score in scores.scores.items():
        value = f"{score.score:.2f}"
        if (bootstrap := score.bootstrap) is not None:
            low, high = bootstrap.interval
            value += f" (mean {bootstrap.mean:.2f}, 95 % within {low:.2f} and {high:.2f})"
        lines.append(f"{TITLES[metric]} = {value}  {score.signature}")
    if seconds is not None:
        lines.append(f"{scores.sentences:,} sentences in {seconds:.1f} s ({scores.sentences / seconds:.1f} a second)")
    return lines


def as_json(scores: Scores, seconds: float | None) -> str:
    """Formats one object, `{"bleu": {"score": …, "signature": "…"}, …, "sentences": N}`, with the speed."""
    value: dict[str, Any] = {metric: score_data(score) for metric, score in scores.scores.items()}
    value["sentences"] = scores.sentences
    if seconds is not None:
        value["seconds"] = round(seconds, 3)
        value["sentences_per_second"] = round(scores.sentences / seconds, 1) if seconds else None
    return json.dumps(value)
