"""A comparison as text and as JSON, of `nmt compare`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from nmt.alignment.attention_fields import WEIGHT_DIGITS
from nmt.evaluation.comparison import Comparison
from nmt.evaluation.examples import ExampleDifference
from nmt.evaluation.metrics import TITLES, Score
from nmt.evaluation.plain_data import comparison_data
from nmt.evaluation.significance import LEVEL, TEST_TITLES
from nmt.io.terminal import visible
from nmt.visualization.heatmap import heatmap

_INDENT = "  "


def as_json(comparison: Comparison) -> str:
    """Formats one object on one line."""
    return json.dumps(comparison_data(comparison, WEIGHT_DIGITS), allow_nan=False)


def as_text(comparison: Comparison, columns: int | None = None) -> list[str]:
    """Formats lines for a reader, safe for a terminal; attention is drawn in `columns` columns, None for any number."""
    lines = [visible(f"A: {comparison.a}"), visible(f"B: {comparison.b}")]
    names = visible(", ".join(comparison.references))
    lines += [f"{_number(comparison.sentences, 'sentence')}, compared with {names}", ""]
    for section in (_scores(comparison), _lengths(comparison), _frequencies(comparison)):
        lines += [*section, ""]
    for name, other, sign in (("A", "B", -1), ("B", "A", 1)):
        if examples := [one for one in comparison.examples if sign * one.difference > 0]:
            lines += [f"Sentences that {name} has better than {other}, by sentence-level chrF2, largest first:", ""]
        for example in examples:
            lines += [*map(visible, _example(example)), *_attention(example, columns), ""]
    for name, kind in zip("AB", comparison.attention, strict=True):
        if kind == "none":
            lines += [f"{name} has no attention: all it knew of the source was one fixed vector.", ""]
    if not comparison.examples and comparison.method.examples:
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
        yield f"p: {TEST_TITLES[comparison.method.test]}, {samples}; {chance}"
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
        rows.append(
            [
                bin_label(one.low, one.high),
                f"{one.sentences:,}",
                _with_interval(one.a),
                _with_interval(one.b),
                difference,
            ]
        )
    yield from _table(rows)


def _frequencies(comparison: Comparison) -> Iterator[str]:
    yield f"Words by frequency in {visible(comparison.frequency_name)}, F1 against the reference in percent:"
    yield ""
    rows = [["frequency", "words", "A", "B", "B - A"]]
    for one in comparison.frequencies:
        if one.a.f1 is not None and one.b.f1 is not None:
            a, b = 100 * one.a.f1, 100 * one.b.f1
            rows.append([bin_label(one.low, one.high), f"{one.words:,}", f"{a:.2f}", f"{b:.2f}", f"{b - a:+.2f}"])
    yield from _table(rows)


def _example(example: ExampleDifference) -> Iterator[str]:
    yield f"line {example.line}: A {example.score_a:.1f}, B {example.score_b:.1f}"
    if example.source is not None:
        yield f"  source     {example.source}"
    for text in example.references:
        yield f"  reference  {text}"
    yield f"  A          {example.a}"
    yield f"  B          {example.b}"


def _attention(example: ExampleDifference, columns: int | None) -> Iterator[str]:
    inner_columns = None if columns is None else columns - len(_INDENT)
    for name, attention in (("A", example.attention_a), ("B", example.attention_b)):
        if attention is not None:
            yield ""
            yield f"{_INDENT}attention of {name}:"
            yield from (_INDENT + line for line in heatmap(*attention, columns=inner_columns))


def _with_interval(score: Score) -> str:
    if score.bootstrap is None:
        return f"{score.score:.2f}"
    low, high = score.bootstrap.interval
    return f"{score.score:.2f} ±{(high - low) / 2:.2f}"


def bin_label(low: int, high: int | None) -> str:
    """Formats the least and the greatest value of a bin: `5-9`, `1000+` or `1`."""
    return f"{low}+" if high is None else f"{low}-{high}" if low < high else f"{low}"


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Aligns rows in columns as wide as their longest cell, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "   ".join([first.ljust(widths[0]), *cells]).rstrip()
