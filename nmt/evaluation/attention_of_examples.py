"""What a model looked at in the sentences that two translations have differently."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nmt.cli.formats.translations import attention_of_words
from nmt.evaluation.comparison import Comparison
from nmt.evaluation.examples import Difference, Look
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Translation
from nmt.translation.translator import Translator

MOST_WEIGHTS = 1 << 16
"""Weights at most of a sentence's attention that are shown."""

logger = logging.getLogger(__name__)


Model = tuple[Translator, TranslateOptions]
"""A model, and how it translates."""


def with_attention(comparison: Comparison, a: Model | None, b: Model | None) -> Comparison:
    """The same, with what each model looked at in the sentences that differ most.

    They are translated again, so that the attention of all others need not be kept.

    Args:
        comparison: of translations whose source is known.
        a, b: the model that made each; None for a finished translation.
    """
    differences = comparison.differences
    of_a = _looks(differences, [one.a for one in differences], a)
    of_b = _looks(differences, [one.b for one in differences], b)
    shown = [
        replace(one, attention_a=look_a, attention_b=look_b)
        for one, look_a, look_b in zip(differences, of_a, of_b, strict=True)
    ]
    return replace(comparison.with_differences(shown), attention=(_kind(a), _kind(b)))


def _kind(model: Model | None) -> str | None:
    return None if model is None else model[0].config.model.attention


def _looks(differences: Sequence[Difference], expected: Sequence[str], model: Model | None) -> list[Look | None]:
    if model is None:
        return [None] * len(differences)
    translator, options = model
    lines = [one.source or "" for one in differences]
    translations = translator.translate(
        lines, replace(options, attention=True), numbers=[one.line for one in differences]
    )
    return [
        _look(one.line, translation, text)
        for one, translation, text in zip(differences, translations, expected, strict=True)
    ]


def _look(line: int, translation: Translation, expected: str) -> Look | None:
    if translation.text.rstrip() != expected:
        # Where a line's translation depends on its batch, as in bfloat16, it may be another one this time.
        logger.warning("line %d: its attention is left out: translated again, it came out otherwise", line)
        return None
    if not translation.outputs or translation.outputs[0].segments is None:
        return None
    source, target = translation.source.split(), translation.text.split()
    if len(source) * len(target) > MOST_WEIGHTS:
        logger.warning("line %d: its attention is left out: more than %d weights", line, MOST_WEIGHTS)
        return None
    rows = list(attention_of_words(translation, translation.outputs[0]))
    return Look(source, target, np.array(rows)) if rows else None
