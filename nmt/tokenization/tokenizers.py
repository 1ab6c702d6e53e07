"""The tokenizers of a model's two languages."""

from __future__ import annotations

from typing import NamedTuple, Self

from nmt.tokenization.special_tokens import SpecialPair
from nmt.tokenization.tokenizer import Tokenizer


class Tokenizers(NamedTuple):
    """The tokenizers of source and target; one and the same object where the languages share a vocabulary."""

    source: Tokenizer
    target: Tokenizer

    @classmethod
    def from_models(cls, source: bytes, target: bytes | None = None) -> Self:
        """Loads the SentencePiece models of both sides; without `target`, one model serves both.

        Raises ModelError if one of them is not a SentencePiece model.
        """
        tokenizer = Tokenizer(source)
        return cls(tokenizer, tokenizer if target is None else Tokenizer(target))

    @property
    def are_shared(self) -> bool:
        """True if both languages have one vocabulary."""
        return self.source is self.target

    @property
    def models(self) -> tuple[bytes, bytes | None]:
        """The arguments of `from_models`."""
        return self.source.model, None if self.are_shared else self.target.model

    @property
    def special(self) -> SpecialPair:
        """The special tokens of source and target."""
        return self.source.special, self.target.special
