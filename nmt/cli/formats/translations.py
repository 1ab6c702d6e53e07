"""Translations as lines of text, JSON or Moses n-best lists, of `nmt translate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nmt.alignment.links import output_links
from nmt.cli.formats.alignments import pharaoh
from nmt.io.json_lines import json_object
from nmt.postprocessing.translation_fields import translation_fields
from nmt.translation.result import Confidence, Output, Translation

Format = Callable[[int, Translation, int, str, str], list[str]]
"""(number of the line from 0, its translation, how many to write of it, none | hard | soft, word | token) -> lines of
output."""


def as_text(_number: int, translation: Translation, n_best: int, alignment: str, unit: str = "word") -> list[str]:
    """Formats a line for each translation; its confidence and alignment follow behind ` ||| ` where they are wanted."""
    rows = _rows(translation, n_best, alignment, unit)
    return [" ||| ".join([text, *columns]) for text, _, columns in rows]


def as_moses(number: int, translation: Translation, n_best: int, alignment: str, unit: str = "word") -> list[str]:
    """Formats `id ||| translation ||| score` for each, and behind another ` ||| ` each its confidence and alignment."""
    rows = _rows(translation, n_best, alignment, unit)
    return [" ||| ".join([str(number), text, f"{score:.6f}", *columns]) for text, score, columns in rows]


def as_json(number: int, translation: Translation, _n_best: int, alignment: str, unit: str = "word") -> list[str]:
    """Formats one object: the best translation, all hypotheses, and alignment and attention of the best."""
    return [json_object(translation_fields(number, translation, alignment, unit))]


FORMATS: dict[str, Format] = {"text": as_text, "moses": as_moses, "json": as_json}


def _rows(translation: Translation, n_best: int, alignment: str, unit: str) -> Iterator[tuple[str, float, list[str]]]:
    """Yields as many outputs as are wanted: where there are fewer, the last again, or nothing for a blank line.

    Each is its text, its score, and what follows it: its confidence, and last its alignment, each where it is wanted.
    """
    outputs: list[Output | None] = list(translation.outputs)
    last = outputs[-1] if outputs else None
    for output in outputs + [last] * (n_best - len(outputs)):
        annotations = output.annotations if output else translation.annotations
        columns = [] if annotations.confidence is None else [_confidence_column(annotations.confidence)]
        if alignment != "none":
            columns.append(pharaoh(output_links(output, unit)) if output else "")
        yield (output.text, output.score, columns) if output else ("", 0.0, columns)


def _confidence_column(confidence: Confidence) -> str:
    """Formats the probability, and behind it each warning with its words: `0.871235 unattended:3,4 cut`."""
    warnings = (
        ":".join([warning.kind, *filter(None, [",".join(map(str, warning.source_words or warning.target_words))])])
        for warning in confidence.warnings
    )
    return " ".join([f"{confidence.probability:.6f}", *warnings])
