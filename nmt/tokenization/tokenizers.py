"""The tokenizers of a model's two languages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

from nmt.tokenization.special_tokens import SpecialPair
from nmt.tokenization.tags import with_tags
from nmt.tokenization.tokenizer import Tokenizer


class Tokenizers(NamedTuple):
    """The tokenizers of source and target, which are of one model where the languages share a vocabulary.

    Such a model may have a rule of its own by which it normalises target text. Where it has none, both tokenizers are
    one and the same object.
    """

    source: Tokenizer
    target: Tokenizer

    @classmethod
    def from_models(
        cls, source: bytes, target: bytes | None = None, *, names: tuple[str, str] = ("tokenizer", "tokenizer")
    ) -> Self:
        """Loads the SentencePiece models of both sides; without `target`, one model serves both.

        Raises ModelError, naming it by `names`, if one of them is not a SentencePiece model.
        """
        tokenizer = Tokenizer(source, names[0])
        return cls(tokenizer, tokenizer.for_target() if target is None else Tokenizer(target, names[1]))

    def with_tags(self, tags: Iterable[str]) -> Tokenizers:
        """Returns tokenizers of which that of the source has these tags, too; these, if it has them all."""
        source, target = self.models
        model = with_tags(source, tags)
        return self if model == source else Tokenizers.from_models(model, target)

    @property
    def are_shared(self) -> bool:
        """True if both languages have one vocabulary."""
        return self.source.model is self.target.model

    @property
    def models(self) -> tuple[bytes, bytes | None]:
        """The arguments of `from_models`."""
        return self.source.model, None if self.are_shared else self.target.model

    @property
    def special(self) -> SpecialPair:
        """The special tokens of source and target."""
        return self.source.special, self.target.special
