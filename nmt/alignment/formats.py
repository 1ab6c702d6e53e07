"""Translations as lines of text, JSON or Moses n-best lists, with their alignment where it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nmt.alignment.words import Weights, hard_alignment, pharaoh, word_attention
from nmt.translation import Output, PartAttention, Translation

DIGITS = 8
END = "</s>"

# The line breaks that JSON leaves as they are; escaped, they survive in a line of output.
_ESCAPED = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}

Format = Callable[[int, Translation, int, str], list[str]]
"""(number of the line from 0, its translation, how many to write of it, none | hard | soft) -> lines of output."""


def attention_of_words(translation: Translation, output: Output) -> Weights | None:
    """Attention of the output's words over the words of the line, rows summing to 1; None without attention."""
    if output.parts is None:
        return None
    whole = np.zeros((len(output.text.split()), len(translation.source.split())))
    for target, source, weights in _blocks(output.parts):
        whole[target : target + weights.shape[0], source : source + weights.shape[1]] = weights
    return whole


def alignment_of_words(output: Output) -> list[tuple[int, int]]:
    """The source word each word of the output looked at most, as (source, target); empty without attention."""
    return sorted(
        (source + source_word, target + target_word)
        for target, source, weights in _blocks(output.parts or ())
        for source_word, target_word in hard_alignment(weights)
    )


def _blocks(parts: Sequence[PartAttention]) -> Iterator[tuple[int, int, Weights]]:
    """The attention of words part by part, which for a long line is far less than all of it: first target word, first
    source word, (target words, source words)."""
    for part in parts:
        target, source = part.words.start, part.source_words[0]
        target_words = [word - target if word >= 0 else -1 for word in part.target_words]
        shape = len(part.words), part.source_words[-1] - source + 1
        if part.words:
            source_words = [word - source for word in part.source_words]
            yield target, source, word_attention(part.weights.astype(float), source_words, target_words, shape)


def as_text(_number: int, translation: Translation, n_best: int, alignment: str) -> list[str]:
    """The translations, each with its alignment behind ` ||| ` where it is asked for."""
    return [
        _with_alignment(output, alignment, output.text if output else "") for output in _padded(translation, n_best)
    ]


def as_moses(number: int, translation: Translation, n_best: int, alignment: str) -> list[str]:
    """`id ||| translation ||| score`, and behind another ` ||| ` the alignment."""
    lines = []
    for output in _padded(translation, n_best):
        text, score = (output.text, output.score) if output else ("", 0.0)
        lines.append(_with_alignment(output, alignment, f"{number} ||| {text} ||| {score:.6f}"))
    return lines


def as_json(_number: int, translation: Translation, _n_best: int, alignment: str) -> list[str]:
    """One object: the best translation, all hypotheses, and alignment and attention of the best."""
    best = translation.outputs[0] if translation.outputs else None
    value: dict[str, Any] = {
        "source": translation.source,
        "translation": translation.text,
        "score": best.score if best else 0.0,
        "hypotheses": [
            {"translation": output.text, "score": output.score, "tokens": list(output.tokens)}
            for output in translation.outputs
        ],
    }
    if alignment != "none":
        value["alignment"] = alignment_of_words(best) if best else []
    if alignment == "soft":
        value |= _attention(translation, best)
    return [json.dumps(value, ensure_ascii=False).translate(_ESCAPED)]


FORMATS: dict[str, Format] = {"text": as_text, "moses": as_moses, "json": as_json}


def _with_alignment(output: Output | None, alignment: str, text: str) -> str:
    if alignment == "none":
        return text
    return f"{text} ||| {pharaoh(alignment_of_words(output)) if output else ''}"


def _padded(translation: Translation, n_best: int) -> list[Output | None]:
    """As many outputs as were asked for: where there are fewer, the last again, or none for a blank line."""
    outputs: list[Output | None] = list(translation.outputs)
    last = outputs[-1] if outputs else None
    return outputs + [last] * (n_best - len(outputs))


def _attention(translation: Translation, output: Output | None) -> dict[str, Any]:
    words = attention_of_words(translation, output) if output else None
    tokens = output.attention if output else None
    return {
        "attention": {
            "source_words": translation.source.split() if output else [],
            "target_words": output.text.split() if output else [],
            "weights": [] if words is None else words.round(DIGITS).tolist(),
        },
        "attention_tokens": {
            "source_tokens": [*translation.source_tokens, END] if output else [],
            "target_tokens": list(output.tokens) if output else [],
            "weights": [] if tokens is None else tokens.astype(float).round(DIGITS).tolist(),
        },
    }
