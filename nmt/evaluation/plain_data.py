"""Scores and comparisons as plain data: what JSON for programs and the report page hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmt.evaluation.comparison import Comparison
    from nmt.evaluation.examples import ExampleDifference
    from nmt.evaluation.metrics import Score


def score_data(score: Score) -> dict[str, Any]:
    """Returns `{"score": …, "signature": "…"}`.

    After a bootstrap it has `"bootstrap": {"samples": N, "mean": …, "interval": (low, high)}`, too.
    """
    return {name: value for name, value in asdict(score).items() if value is not None}


def _unsigned(score: Score) -> dict[str, Any]:
    return {name: value for name, value in score_data(score).items() if name != "signature"}


def comparison_data(comparison: Comparison, weight_digits: int) -> dict[str, Any]:
    """Returns all of a comparison, attention weights with so many decimal places.

    docs/commands/compare.md documents its fields.
    """
    method = comparison.method
    test = {"name": method.test, "samples": method.sample_count, "seed": comparison.seed}
    return {
        "a": comparison.a,
        "b": comparison.b,
        "references": list(comparison.references),
        "sentences": comparison.sentences,
        "identical": comparison.identical,
        "test": None if method.test == "none" else test,
        "metrics": {
            name: {"a": score_data(one.a), "b": score_data(one.b), "difference": one.difference, "p_value": one.p_value}
            for name, one in comparison.scores.items()
        },
        "lengths": _lengths_data(comparison),
        "frequencies": {
            "of": comparison.frequency_name,
            "bins": [
                {"low": one.low, "high": one.high, "words": one.words, "a": one.a._asdict(), "b": one.b._asdict()}
                for one in comparison.frequencies
            ],
        },
        "attention": dict(zip("ab", comparison.attention, strict=True)),
        "differences": [_example_data(example, weight_digits) for example in comparison.examples],
    }


def _lengths_data(comparison: Comparison) -> dict[str, Any]:
    bins = [
        {"low": one.low, "high": one.high, "sentences": one.sentences, "mean_length": one.mean}
        | {"a": _unsigned(one.a), "b": _unsigned(one.b)}
        for one in comparison.lengths
    ]
    of = "source" if comparison.by_source else "reference"
    return {"of": of, "metric": comparison.method.metric_of_lengths, "bins": bins}


def _example_data(example: ExampleDifference, weight_digits: int) -> dict[str, Any]:
    value: dict[str, Any] = {"line": example.line, "source": example.source, "references": list(example.references)}
    for name, text, score, attention in (
        ("a", example.a, example.score_a, example.attention_a),
        ("b", example.b, example.score_b, example.attention_b),
    ):
        value[name] = {"translation": text, "chrf": score}
        if attention is not None:
            weights = attention.weights.round(weight_digits).tolist()
            words = {"source_words": attention.source, "target_words": attention.target}
            value[name]["attention"] = {**words, "weights": weights}
    return value
