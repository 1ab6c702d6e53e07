"""The attention of models in the examples of a comparison."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmt.alignment.attention_matrix import AttentionMatrix, word_attention_rows
from nmt.evaluation.comparison import Comparison
from nmt.evaluation.examples import ExampleDifference
from nmt.translation.result import Translation

if TYPE_CHECKING:
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator

MAX_WEIGHTS = 1 << 16
"""Maximum number of attention weights shown of a sentence."""

logger = logging.getLogger(__name__)


class ComparedModel(NamedTuple):
    """A model that is compared, and how it translates."""

    translator: Translator
    options: TranslateOptions


def with_attention(comparison: Comparison, a: ComparedModel | None, b: ComparedModel | None) -> Comparison:
    """Adds the attention of each model to the examples of a comparison.

    The sentences, whose source is known, are translated again, so that the attention of all others need not be kept.
    The model of a finished translation is None.
    """
    examples = comparison.examples
    attention_a = _attention(examples, [example.a for example in examples], a)
    attention_b = _attention(examples, [example.b for example in examples], b)
    attended = [
        replace(example, attention_a=of_a, attention_b=of_b)
        for example, of_a, of_b in zip(examples, attention_a, attention_b, strict=True)
    ]
    kind_a, kind_b = (None if model is None else model.translator.ensemble.attention for model in (a, b))
    return replace(comparison, examples=attended, attention=(kind_a, kind_b))


def _attention(
    examples: Sequence[ExampleDifference], expected: Sequence[str], model: ComparedModel | None
) -> list[AttentionMatrix | None]:
    if model is None:
        return [None] * len(examples)
    translations = model.translator.translate(
        [example.source or "" for example in examples],
        replace(model.options, attention=True),
        numbers=[example.line for example in examples],
    )
    return [
        _attention_matrix(example.line, translation, text)
        for example, translation, text in zip(examples, translations, expected, strict=True)
    ]


def _attention_matrix(line: int, translation: Translation, expected: str) -> AttentionMatrix | None:
    if translation.text.rstrip() != expected:
        # Where a line's translation depends on its batch, as in bfloat16, it may be another one this time.
        logger.warning("line %d: its attention is left out: translated again, it came out otherwise", line)
        return None
    if not translation.outputs or translation.outputs[0].segments is None:
        return None
    source, target = translation.source.split(), translation.text.split()
    if len(source) * len(target) > MAX_WEIGHTS:
        logger.warning("line %d: its attention is left out: more than %d weights", line, MAX_WEIGHTS)
        return None
    rows = list(word_attention_rows(translation, translation.outputs[0]))
    return AttentionMatrix(source, target, np.array(rows)) if rows else None
