"""Traces as JSON, of `nmt attend`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nmt.io.json_lines import encoded, json_object

if TYPE_CHECKING:
    from nmt.translation.result import Translation
    from nmt.translation.trace import Floats, SegmentTrace

MAX_NUMBERS = 1 << 22
"""Maximum number of states, scores, weights and contexts written of a line: some 40 megabytes."""

_DIGITS = 8  # significant ones, as float32 has them


def as_json(translation: Translation, segments: tuple[SegmentTrace, ...] | None) -> str:
    """Formats one object: the line, its translation and the trace of each segment.

    Segments are null where they are None, as for a line too long to be traced, or have more than `MAX_NUMBERS`.
    """
    fields = {
        "source": encoded(translation.source),
        "translation": encoded(translation.text),
        "score": encoded(translation.outputs[0].score if translation.outputs else 0.0),
    }
    if segments is None or is_left_out(segments):
        return json_object(fields | {"segments": encoded(None)})
    return json_object(fields | {"segments": "[" + ", ".join(map(_segment, segments)) + "]"})


def is_left_out(segments: tuple[SegmentTrace, ...] | None) -> bool:
    """True if `as_json` writes null in place of the segments."""
    return segments is None or sum(map(_count, segments)) > MAX_NUMBERS


def _count(segment: SegmentTrace) -> int:
    arrays = segment.states, segment.queries, segment.scores, segment.weights, segment.contexts
    return sum(array.size for array in arrays)


def _segment(segment: SegmentTrace) -> str:
    fields: dict[str, Any] = {
        "translation": segment.text,
        "finished": segment.finished,
        "source_tokens": segment.source_tokens,
        "source_words": segment.source_words,
        "target_tokens": segment.target_tokens,
        "target_words": segment.target_words,
        "vocabulary": segment.vocabulary,
        "choices": [
            {"probability": choice.probability, "rank": choice.rank, "best": choice.best} for choice in segment.choices
        ],
        "candidates": [candidate._asdict() for candidate in segment.candidates],
    }
    arrays = {
        "states": segment.states,
        "summary": segment.summary,
        "queries": segment.queries,
        "scores": segment.scores,
        "weights": segment.weights,
        "contexts": segment.contexts,
    }
    texts = {name: encoded(value) for name, value in fields.items()}
    return json_object(texts | {name: _numbers(array) for name, array in arrays.items()})


def _numbers(array: Floats) -> str:
    if array.ndim == 1:
        return json.dumps([float(f"{value:.{_DIGITS}g}") for value in array.tolist()])
    return "[" + ", ".join(map(_numbers, array)) + "]"
