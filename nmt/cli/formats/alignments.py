"""Alignments in Pharaoh format and as JSON, of `nmt align` and `nmt translate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nmt.alignment.attention_fields import attention_fields
from nmt.alignment.symmetrization import Link
from nmt.io.json_lines import encoded, json_object

if TYPE_CHECKING:
    from nmt.translation.forced_decoding import ForcedPair


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
