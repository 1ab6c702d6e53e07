"""A comparison as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from nmt.cli.formats.translations import DIGITS
from nmt.evaluation.comparison import Comparison
from nmt.evaluation.examples import Difference
from nmt.evaluation.metrics import TITLES, Score
from nmt.evaluation.significance import LEVEL
from nmt.io.terminal import visible
from nmt.visualization.heatmap import heatmap

TESTS = {"bootstrap": "paired bootstrap", "randomization": "approximate randomization"}
"""What the tests are called."""

_INDENT = "  "


def as_json(comparison: Comparison) -> str:
    """One object on one line."""
    return json.dumps(as_data(comparison), allow_nan=False)


def as_data(comparison: Comparison, digits: int = DIGITS) -> dict[str, Any]:
    """What JSON says of a comparison; the README says what it holds.

    Args:
        comparison: all of it.
        digits: of attention weights.
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
            name: {
                "a": score.a.as_json(),
                "b": score.b.as_json(),
                "difference": score.difference,
                "p_value": score.p_value,
            }
            for name, score in comparison.scores.items()
        },
        "lengths": {
            "of": "source" if comparison.by_source else "reference",
            "metric": method.metric_of_lengths,
            "bins": [
                {
                    "low": one.low,
                    "high": one.high,
                    "sentences": one.sentences,
                    "mean_length": one.mean,
                    "a": _unsigned(one.a),
                    "b": _unsigned(one.b),
                }
                for one in comparison.lengths
            ],
        },
        "frequencies": {
            "of": comparison.frequency_name,
            "bins": [
                {"low": one.low, "high": one.high, "words": one.words, "a": one.a._asdict(), "b": one.b._asdict()}
                for one in comparison.frequencies
            ],
        },
        "attention": dict(zip("ab", comparison.attention, strict=True)),
        "differences": [_difference(one, digits) for one in comparison.differences],
    }


def _unsigned(score: Score) -> dict[str, Any]:
    return {name: value for name, value in score.as_json().items() if name != "signature"}


def _difference(one: Difference, digits: int) -> dict[str, Any]:
    value: dict[str, Any] = {"line": one.line, "source": one.source, "references": list(one.references)}
    for name, text, score, look in (
        ("a", one.a, one.score_a, one.attention_a),
        ("b", one.b, one.score_b, one.attention_b),
    ):
        value[name] = {"translation": text, "chrf": score}
        if look is not None:
            weights = look.weights.round(digits).tolist()
            value[name]["attention"] = {"source_words": look.source, "target_words": look.target, "weights": weights}
    return value


def as_text(comparison: Comparison, columns: int | None = None) -> list[str]:
    """Lines for people, `visible` in their terminal; attention is drawn in as many columns, None for any number."""
    lines = [visible(f"A: {comparison.a}"), visible(f"B: {comparison.b}")]
    names = visible(", ".join(comparison.references))
    lines += [f"{_number(comparison.sentences, 'sentence')}, compared with {names}", ""]
    for section in (_scores(comparison), _lengths(comparison), _frequencies(comparison)):
        lines += [*section, ""]
    for name, other, differences in (("A", "B", comparison.better_a), ("B", "A", comparison.better_b)):
        if differences:
            lines += [f"Sentences that {name} has better than {other}, by sentence-level chrF2, largest first:", ""]
        for one in differences:
            lines += [*map(visible, _sentence(one)), *_attention(one, columns), ""]
    for name, kind in zip("AB", comparison.attention, strict=True):
        if kind == "none":
            lines += [f"{name} has no attention: all it knew of the source was one fixed vector.", ""]
    if not comparison.differences and comparison.method.most:
        lines += ["No sentence is translated better by one of them, by sentence-level chrF2.", ""]
    return lines[:-1]


def _scores(comparison: Comparison) -> Iterator[str]:
    tested = comparison.method.test != "none"
    rows = [["", "A", "B", "B - A", *(["p"] if tested else [])]]
    for name, score in comparison.scores.items():
        row = [TITLES[name], _with_interval(score.a), _with_interval(score.b), f"{score.difference:+.2f}"]
        if tested:
            star = " *" if score.is_significant and not comparison.is_small else ""
            row.append("-" if score.p_value is None else f"{score.p_value:.4f}{star}")
        rows.append(row)
    yield from _table(rows)
    yield ""
    if tested:
        samples = f"{comparison.method.sample_count:,} samples, seed {comparison.seed}"
        chance = "too few sentences to tell what is chance" if comparison.is_small else f"* below {LEVEL}"
        yield f"p: {TESTS[comparison.method.test]}, {samples}; {chance}"
    if comparison.identical:
        yield "A and B are the same in every line: nothing to test."
    elif tested and any(score.p_value is None for score in comparison.scores.values()):
        yield "-: both have the same score, and nothing is to test."
    if "ter" in comparison.scores:
        yield "Of TER, the lower is the better."
    for score in comparison.scores.values():
        yield score.a.signature


def _lengths(comparison: Comparison) -> Iterator[str]:
    title = TITLES[comparison.method.metric_of_lengths]
    yield f"{title} by length of the {'source' if comparison.by_source else 'reference'} in words:"
    yield ""
    rows = [["words", "sentences", "A", "B", "B - A"]]
    for one in comparison.lengths:
        difference = f"{one.b.score - one.a.score:+.2f}"
        rows.append([one.label, f"{one.sentences:,}", _with_interval(one.a), _with_interval(one.b), difference])
    yield from _table(rows)


def _frequencies(comparison: Comparison) -> Iterator[str]:
    yield f"Words by frequency in {visible(comparison.frequency_name)}, F1 against the reference in percent:"
    yield ""
    rows = [["frequency", "words", "A", "B", "B - A"]]
    for one in comparison.frequencies:
        if one.a.f1 is not None and one.b.f1 is not None:
            a, b = 100 * one.a.f1, 100 * one.b.f1
            rows.append([one.label, f"{one.words:,}", f"{a:.2f}", f"{b:.2f}", f"{b - a:+.2f}"])
    yield from _table(rows)


def _sentence(one: Difference) -> Iterator[str]:
    yield f"line {one.line}: A {one.score_a:.1f}, B {one.score_b:.1f}"
    if one.source is not None:
        yield f"  source     {one.source}"
    for text in one.references:
        yield f"  reference  {text}"
    yield f"  A          {one.a}"
    yield f"  B          {one.b}"


def _attention(one: Difference, columns: int | None) -> Iterator[str]:
    room = None if columns is None else columns - len(_INDENT)
    for name, look in (("A", one.attention_a), ("B", one.attention_b)):
        if look is not None:
            yield ""
            yield f"{_INDENT}attention of {name}:"
            yield from (_INDENT + line for line in heatmap(look.source, look.target, look.weights, columns=room))


def _with_interval(score: Score) -> str:
    if score.bootstrap is None:
        return f"{score.score:.2f}"
    low, high = score.bootstrap.interval
    return f"{score.score:.2f} ±{(high - low) / 2:.2f}"


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their longest cell: the first begins, the others end on one line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "   ".join([first.ljust(widths[0]), *cells]).rstrip()
