"""Attention as fields of JSON, of `nmt translate`, `nmt align` and `nmt serve`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable

from nmt.alignment.attention_matrix import END_MARK, token_attention_rows, word_attention_rows
from nmt.alignment.word_attention import Weights
from nmt.io.json_lines import encoded, json_object
from nmt.translation.result import Translation

WEIGHT_DIGITS = 8
"""Decimal places of attention weights."""

MAX_WEIGHTS = 1 << 22
"""Maximum number of attention weights written of a line; their number is quadratic in its length."""

logger = logging.getLogger(__name__)


def attention_fields(number: int, translation: Translation) -> dict[str, str]:
    """Encodes the attention of the best output of a line, whose number counts from 0, over words and over tokens.

    Weights of more than `MAX_WEIGHTS` are null, which a warning reports.
    """
    if not translation.outputs:
        return {
            "attention": json_object({"source_words": "[]", "target_words": "[]", "weights": "[]"}),
            "attention_tokens": json_object({"source_tokens": "[]", "target_tokens": "[]", "weights": "[]"}),
        }
    output = translation.outputs[0]
    sources, targets = [*translation.source_tokens, END_MARK], output.tokens
    of_words, of_tokens = "null", "null"
    if output.segments is None or len(sources) * len(targets) <= MAX_WEIGHTS:
        of_words = _matrix(word_attention_rows(translation, output))
        of_tokens = _matrix(token_attention_rows(output))
    else:
        logger.warning(
            "line %d: the attention of %d tokens over %d is left out: more than %d weights",
            *(number + 1, len(targets), len(sources), MAX_WEIGHTS),
        )
    words = {
        "source_words": encoded(translation.source.split()),
        "target_words": encoded(output.text.split()),
        "weights": of_words,
    }
    tokens = {"source_tokens": encoded(sources), "target_tokens": encoded(targets), "weights": of_tokens}
    return {"attention": json_object(words), "attention_tokens": json_object(tokens)}


def _matrix(rows: Iterable[Weights]) -> str:
    """Encodes rows as JSON; only the text of all of them is held at once."""
    return "[" + ", ".join(json.dumps(row.round(WEIGHT_DIGITS).tolist()) for row in rows) + "]"
