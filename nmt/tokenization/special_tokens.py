"""The tokens of a vocabulary that are not text."""

from __future__ import annotations

from typing import NamedTuple


class SpecialTokens(NamedTuple):
    """The ids of the tokens that are not text: beginning and end of a sentence, padding, and the unknown piece."""

    bos: int
    eos: int
    pad: int
    unk: int

    @property
    def never_written(self) -> tuple[int, ...]:
        """Tokens that no translation holds: padding and the begin mark, unless one of them is the end mark, too."""
        return tuple({self.pad, self.bos} - {self.eos})


SpecialPair = tuple[SpecialTokens, SpecialTokens]
"""The special tokens of source and target."""
