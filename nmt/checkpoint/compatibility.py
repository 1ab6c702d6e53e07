"""Whether two models read and write the same: their languages and vocabularies, without their weights."""

from __future__ import annotations

from nmt.checkpoint.loading import ModelBundle
from nmt.errors import ConfigError
from nmt.tokenization.tokenizer import Tokenizer


def check_compatible(first: ModelBundle, other: ModelBundle, models: str) -> None:
    """Raises ConfigError unless a model has the languages and vocabularies of the first.

    Each piece must have the same number in both. `models` are what both would be, such as "models of an ensemble".
    """
    ours, theirs = ((data.source_language, data.target_language) for data in (first.config.data, other.config.data))
    where = str(other.directory)
    if ours != theirs:
        what = "translates {} to {}, but {} {} to {}".format(*theirs, first.directory, *ours)
        raise ConfigError(where, f"{what}; {models} have the same languages")
    for side, own, others in zip(("source", "target"), first.tokenizers, other.tokenizers, strict=True):
        if differences := _differences(own, others):
            what = f"has another {side} vocabulary than {first.directory}: {differences}"
            raise ConfigError(where, f"{what}; {models} are trained with the same tokenizers")


def _differences(own: Tokenizer, other: Tokenizer) -> str:
    """Tells how the pieces of two vocabularies differ; nothing if they do not."""
    if own.model == other.model:
        return ""
    pieces, others = ([one.piece(token) for token in range(one.size)] for one in (own, other))
    if pieces == others:
        return "" if own.tags == other.tags else f"tags {', '.join(other.tags)}, not {', '.join(own.tags)}"
    if len(pieces) != len(others):
        return f"{len(others):,} pieces, not {len(pieces):,}"
    place = next(place for place, pair in enumerate(zip(pieces, others, strict=True)) if pair[0] != pair[1])
    return f"piece {place} is {others[place]}, not {pieces[place]}"
