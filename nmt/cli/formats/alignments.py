"""Alignments in Pharaoh format, and those of given translations as JSON, of `nmt align`."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.alignment.symmetrization import Link
from nmt.cli.formats.attention import attention_fields
from nmt.cli.formats.json_lines import encoded, json_object
from nmt.translation.forced_decoding import ForcedPair


def pharaoh(links: Sequence[Link]) -> str:
    """Formats links as `0-0 1-2`: source-target, counted from 0."""
    return " ".join(f"{source}-{target}" for source, target in links)


def as_json(number: int, pair: ForcedPair, links: Sequence[Link] | None, *, soft: bool, unit: str) -> str:
    """Formats one object: the lines, their alignment and, if `soft`, the attention that it is made from.

    Args:
        number: of the line, from 0.
        pair: the lines, scored with attention.
        links: None for a pair that is too large: alignment and attention are null then.
        soft: with attention.
        unit: word or token, of the links.
    """
    fields = {"source": encoded(pair.source), "target": encoded(pair.target), "alignment": encoded(links)}
    if unit == "token":
        fields |= {"source_tokens": encoded(pair.source_tokens), "target_tokens": encoded(pair.tokens[:-1])}
    if soft:
        empty = {name: encoded(None) for name in ("attention", "attention_tokens")}
        fields |= empty if links is None else attention_fields(number, pair.translation())
    return json_object(fields)
