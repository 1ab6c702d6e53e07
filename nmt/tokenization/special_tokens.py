"""The tokens of a vocabulary that are not text."""

from __future__ import annotations

from typing import NamedTuple

UNKNOWN = "⁇"
"""SentencePiece's surface of the unknown piece, with or without spaces around it."""


class SpecialTokens(NamedTuple):
    """The ids of the tokens that are not text: beginning and end of a sentence, padding, the unknown piece, tags."""

    bos: int
    eos: int
    pad: int
    unk: int
    tags: tuple[int, ...] = ()

    @property
    def never_written(self) -> tuple[int, ...]:
        """Tokens that no translation holds: padding, tags and the begin mark, unless that is the end mark, too."""
        return (*({self.pad, self.bos} - {self.eos}), *self.tags)


SpecialPair = tuple[SpecialTokens, SpecialTokens]
"""The special tokens of source and target."""
