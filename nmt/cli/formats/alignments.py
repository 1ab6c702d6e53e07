"""Alignments in Pharaoh format and as JSON, and attention as fields of JSON, of `nmt align` and `nmt translate`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nmt.alignment.attention_matrix import END_MARK, token_attention_rows, word_attention_rows
from nmt.alignment.symmetrization import Link
from nmt.alignment.word_attention import Weights
from nmt.cli.formats.json_lines import encoded, json_object

if TYPE_CHECKING:
    from nmt.translation.forced_decoding import ForcedPair
    from nmt.translation.result import Translation

WEIGHT_DIGITS = 8
"""Decimal places of attention weights."""

MAX_WEIGHTS = 1 << 22
"""Maximum number of attention weights written of a line; their number is quadratic in its length."""

logger = logging.getLogger(__name__)


def pharaoh(links: Sequence[Link]) -> str:
    """Formats links as `0-0 1-2`: source-target, counted from 0."""
    return " ".join(f"{source}-{target}" for source, target in links)


def as_json(number: int, pair: ForcedPair, links: Sequence[Link] | None, *, soft: bool, unit: str) -> str:
    """Formats one object: the lines, their alignment and, if `soft`, the attention that it is made from.

    The number of the line counts from 0; the unit of the links is word or token. Without links, as for a pair that is
    too large, alignment and attention are null.
    """
    fields = {"source": encoded(pair.source), "target": encoded(pair.target), "alignment": encoded(links)}
    if unit == "token":
        fields |= {"source_tokens": encoded(pair.source_tokens), "target_tokens": encoded(pair.tokens[:-1])}
    if soft:
        empty = {name: encoded(None) for name in ("attention", "attention_tokens")}
        fields |= empty if links is None else attention_fields(number, pair.translation())
    return json_object(fields)


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
