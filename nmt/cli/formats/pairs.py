"""Given pairs as lines of text or JSON: how probable their translations are, and which words belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from nmt.alignment.symmetrization import symmetrize
from nmt.cli.formats.translations import alignment_of, attention_fields, encoded, json_object
from nmt.translation.forced_decoding import ForcedPair

_SPACE = re.compile(r"\s")


def score_as_text(pair: ForcedPair, length_penalty: float | None, *, per_token: bool) -> str:
    """The log-probability, or the score by a length penalty; with `per_token` those of its tokens behind ` ||| `.

    Each token stands before its number, all between spaces: white space in a token becomes `▁`, which is how
    SentencePiece writes a space. Empty for a pair that is too large.
    """
    if pair.scores is None:
        return ""
    text = f"{pair.log_probability if length_penalty is None else pair.score(length_penalty):.6f}"
    if not per_token:
        return text
    values = pair.scores.log_probabilities.tolist()
    tokens = [f"{_SPACE.sub('▁', token)} {value:.6f}" for token, value in zip(pair.tokens, values, strict=True)]
    return f"{text} ||| {' '.join(tokens)}"


def score_as_json(pair: ForcedPair, length_penalty: float) -> str:
    """One object; both numbers are null for a pair that is too large."""
    fields: dict[str, Any] = {
        "source": pair.source,
        "target": pair.target,
        "score": None,
        "log_probability": None,
        "tokens": [],
    }
    if pair.scores is not None:
        values = pair.scores.log_probabilities.tolist()
        fields["score"] = pair.score(length_penalty)
        fields["log_probability"] = pair.log_probability
        fields["tokens"] = [
            {"token": token, "log_probability": value} for token, value in zip(pair.tokens, values, strict=True)
        ]
    return encoded(fields)


def links_of(pair: ForcedPair, unit: str) -> list[tuple[int, int]]:
    """Which source word (or token) each target word looked at most, as (source, target); empty without attention."""
    return [link for output in pair.translation().outputs for link in alignment_of(output, unit)]


def symmetrized_links(pair: ForcedPair, turned: ForcedPair, method: str) -> list[tuple[int, int]]:
    """The links of words of a pair in both directions made one; see `nmt.alignment.symmetrization`."""
    return symmetrize(links_of(pair, "word"), links_of(turned, "word"), method)


def alignment_as_json(
    number: int, pair: ForcedPair, links: Sequence[tuple[int, int]] | None, *, soft: bool, unit: str
) -> str:
    """One object: the lines, their alignment, and the attention that it comes from.

    Args:
        number: of the line, from 0.
        links: None for a pair that is too large: alignment and attention are null then.
    """
    fields = {"source": encoded(pair.source), "target": encoded(pair.target), "alignment": encoded(links)}
    if unit == "token":
        fields |= {"source_tokens": encoded(pair.source_tokens), "target_tokens": encoded(pair.tokens[:-1])}
    if soft:
        empty = {name: encoded(None) for name in ("attention", "attention_tokens")}
        fields |= empty if links is None else attention_fields(number, pair.translation())
    return json_object(fields)
