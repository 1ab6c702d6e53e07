"""Translations as lines of text, JSON or Moses n-best lists, with their alignment where it is asked for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nmt.alignment.words import Weights, hard_alignment, pharaoh, word_blocks, words_of_parts
from nmt.translation.result import Annotations, Confidence, Output, Translation

DIGITS = 8
END = "</s>"

MOST_WEIGHTS = 1 << 22
"""Weights at most of a line's attention that are written; their number is quadratic in the length of the line."""

# The line breaks that JSON leaves as they are; escaped, they survive in a line of output.
_ESCAPED = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}

Format = Callable[[int, Translation, int, str, str], list[str]]
"""(number of the line from 0, its translation, how many to write of it, none | hard | soft, word | token) -> lines of
output."""

logger = logging.getLogger(__name__)


def attention_of_parts(translation: Translation, output: Output) -> Iterator[tuple[list[str], list[str], Weights]]:
    """The source words and the words of the output of each part of the line, and how much one looked at the other.

    Weights are (words of the output, source words), rows summing to 1; the source words are those of `words_of_parts`.
    A part without a word in the output is left out; without attention in the model there is none.
    """
    source_words, target_words = translation.source.split(), output.text.split()
    parts = output.segments or ()
    shown = words_of_parts([part.source_words for part in parts], len(source_words))
    shown = [words for words, part in zip(shown, parts, strict=True) if part.words]
    for (target, source, weights), words in zip(word_blocks(parts), shown, strict=True):
        rows, columns = weights.shape
        whole = np.pad(weights, ((0, 0), (source - words.start, words.stop - source - columns)))
        yield source_words[words.start : words.stop], target_words[target : target + rows], whole


def attention_of_words(translation: Translation, output: Output) -> Iterator[Weights]:
    """For each word of the output its attention over the words of the line, summing to 1; none without attention."""
    words = len(translation.source.split())
    for _, source, weights in word_blocks(output.segments or ()):
        for some in weights:
            row = np.zeros(words)
            row[source : source + len(some)] = some
            yield row


def attention_of_tokens(output: Output) -> Iterator[Weights]:
    """The rows of `Output.attention`, without ever holding all of them."""
    parts = output.segments or ()
    tokens, column = sum(len(part.source_words) for part in parts), 0
    for part in parts:
        columns = len(part.source_words)
        for some in part.weights:
            row = np.zeros(tokens + 1)
            row[column : column + columns], row[-1] = some[:-1], some[-1]
            yield row
        column += columns


def alignment_of_words(output: Output) -> list[tuple[int, int]]:
    """The source word each word of the output looked at most, as (source, target); empty without attention.

    A word of nothing but what the tokenizer drops looked nowhere.
    """
    parts = output.segments or ()
    looking = {word for part in parts for word in (*part.target_words, *(word for _, word in part.further_words))}
    return sorted(
        (source + source_word, target + target_word)
        for target, source, weights in word_blocks(parts)
        for source_word, target_word in hard_alignment(weights)
        if target + target_word in looking
    )


def alignment_of_tokens(output: Output) -> list[tuple[int, int]]:
    """The same with tokens in place of words, which are counted in the whole line."""
    links: list[tuple[int, int]] = []
    row = column = 0
    for part in output.segments or ():
        links += (
            (column + source, row + target) for source, target in hard_alignment(part.weights[:, :-1].astype(float))
        )
        row, column = row + len(part.target_words), column + len(part.source_words)
    return sorted(links)


def alignment_of(output: Output, unit: str) -> list[tuple[int, int]]:
    """The alignment of words or, where `unit` is token, of tokens."""
    return alignment_of_tokens(output) if unit == "token" else alignment_of_words(output)


def as_text(_number: int, translation: Translation, n_best: int, alignment: str, unit: str = "word") -> list[str]:
    """The translations, each with its confidence and its alignment behind ` ||| ` where they are asked for."""
    return [
        " ||| ".join([output.text if output else "", *_columns(translation, output, alignment, unit)])
        for output in _padded(translation, n_best)
    ]


def as_moses(number: int, translation: Translation, n_best: int, alignment: str, unit: str = "word") -> list[str]:
    """`id ||| translation ||| score`, and each behind another ` ||| ` the confidence and the alignment."""
    lines = []
    for output in _padded(translation, n_best):
        text, score = (output.text, output.score) if output else ("", 0.0)
        columns = _columns(translation, output, alignment, unit)
        lines.append(" ||| ".join([str(number), text, f"{score:.6f}", *columns]))
    return lines


def as_json(number: int, translation: Translation, _n_best: int, alignment: str, unit: str = "word") -> list[str]:
    """One object: the best translation, all hypotheses, and alignment and attention of the best.

    An alignment of tokens comes with those of the source; hypotheses have their own.

    Weights of an attention of more than `MOST_WEIGHTS` are null, which a warning tells.
    """
    best = translation.outputs[0] if translation.outputs else None
    hypotheses = [
        {"translation": output.text, "score": output.score, "tokens": list(output.tokens)}
        | _remarks(output.annotations)
        for output in translation.outputs
    ]
    fields = {
        "source": encoded(translation.source),
        "translation": encoded(translation.text),
        "score": encoded(best.score if best else 0.0),
        "hypotheses": encoded(hypotheses),
    }
    for name, value in _remarks(best.annotations if best else translation.annotations).items():
        fields[name] = encoded(value)
    if alignment != "none":
        fields["alignment"] = encoded(alignment_of(best, unit) if best else [])
        if unit == "token":
            fields["source_tokens"] = encoded(translation.source_tokens)
    if alignment == "soft":
        fields |= attention_fields(number, translation)
    return [json_object(fields)]


FORMATS: dict[str, Format] = {"text": as_text, "moses": as_moses, "json": as_json}


def _columns(translation: Translation, output: Output | None, alignment: str, unit: str) -> list[str]:
    """What stands behind a translation: its confidence, and last its alignment, each where it is asked for."""
    annotations = output.annotations if output else translation.annotations
    columns = [] if annotations.confidence is None else [_confidence_column(annotations.confidence)]
    if alignment != "none":
        columns.append(pharaoh(alignment_of(output, unit)) if output else "")
    return columns


def _confidence_column(confidence: Confidence) -> str:
    """The probability, and behind it each flag with the words it is about: `0.871235 unattended:3,4 cut`."""
    flags = (
        ":".join([flag.kind, *filter(None, [",".join(map(str, flag.source_words or flag.target_words))])])
        for flag in confidence.warnings
    )
    return " ".join([f"{confidence.probability:.6f}", *flags])


def _remarks(annotations: Annotations) -> dict[str, Any]:
    """What JSON tells of them."""
    fields: dict[str, Any] = {}
    if annotations.replaced is not None:
        fields["replaced"] = annotations.replaced
    if annotations.confidence is not None:
        probability, flags = annotations.confidence
        told = [{name: value for name, value in flag._asdict().items() if value} for flag in flags]
        fields["confidence"] = {"probability": probability, "flags": told}
    return fields


def _padded(translation: Translation, n_best: int) -> list[Output | None]:
    """As many outputs as were asked for: where there are fewer, the last again, or none for a blank line."""
    outputs: list[Output | None] = list(translation.outputs)
    last = outputs[-1] if outputs else None
    return outputs + [last] * (n_best - len(outputs))


def attention_fields(number: int, translation: Translation) -> dict[str, str]:
    """The attention of the best output over words and over tokens, encoded; weights that are too many are null."""
    output = translation.outputs[0] if translation.outputs else None
    if output is None:
        return {
            "attention": json_object({"source_words": "[]", "target_words": "[]", "weights": "[]"}),
            "attention_tokens": json_object({"source_tokens": "[]", "target_tokens": "[]", "weights": "[]"}),
        }
    sources, targets = [*translation.source_tokens, END], output.tokens
    of_words, of_tokens = "null", "null"
    if output.segments is None or len(sources) * len(targets) <= MOST_WEIGHTS:
        of_words = _matrix(attention_of_words(translation, output))
        of_tokens = _matrix(attention_of_tokens(output))
    else:
        logger.warning(
            "line %d: the attention of %d tokens over %d is left out: more than %d weights",
            *(number + 1, len(targets), len(sources), MOST_WEIGHTS),
        )
    words = {
        "source_words": encoded(translation.source.split()),
        "target_words": encoded(output.text.split()),
        "weights": of_words,
    }
    tokens = {"source_tokens": encoded(sources), "target_tokens": encoded(targets), "weights": of_tokens}
    return {"attention": json_object(words), "attention_tokens": json_object(tokens)}


def encoded(value: Any) -> str:
    """A value as JSON on one line, whatever text it holds."""
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPED)


def json_object(fields: dict[str, str]) -> str:
    """A JSON object of values that are encoded already."""
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


def _matrix(rows: Iterable[Weights]) -> str:
    """Rows as JSON, of which only the text is ever held as a whole."""
    return "[" + ", ".join(json.dumps(row.round(DIGITS).tolist()) for row in rows) + "]"
