"""A glossary: terms of the source language, and the terms that stand for them in a translation."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from nmt.translation.term_finding import FoundTerm, GlossaryTerm, TermFinder


@dataclass(frozen=True, eq=False)
class Glossary:
    """Terms and their translations, made by `from_terms` or `nmt.translation.glossary_file.read_glossary`.

    A term stands where its words are whole words of the text, whatever signs are at their edges; in a script that has
    no spaces, where its characters are. It is written as the glossary has it or, unless the glossary has that as a term
    of its own, with a capital first letter or in capitals throughout.
    """

    terms: tuple[GlossaryTerm, ...]
    _finder: TermFinder = field(repr=False)

    @classmethod
    def from_terms(cls, terms: Iterable[tuple[str, Sequence[str]]]) -> Self:
        """Makes a glossary of source terms, each with one target term or several.

        White space is made single spaces. Of equal source terms, the targets are joined.

        Raises ValueError if a term is empty or has no target.
        """
        joined: dict[str, dict[str, None]] = {}
        for source, targets in terms:
            if isinstance(targets, str):
                raise TypeError(
                    f"targets of {source!r:.80} are one text: expected a sequence, such as [{targets!r:.80}]"
                )
            names = [_normal(target) for target in targets]
            if not _normal(source) or not names or not all(names):
                raise ValueError(
                    f"term {source!r:.80} has targets {list(targets)!r:.200}: expected texts that are not empty"
                )
            joined.setdefault(_normal(source), {}).update(dict.fromkeys(names))
        made = tuple(GlossaryTerm(source, tuple(targets)) for source, targets in joined.items())
        return cls(made, TermFinder(made))

    def __repr__(self) -> str:
        return f"<Glossary of {len(self.terms):,} terms>"

    def __len__(self) -> int:
        return len(self.terms)

    def find(self, text: str) -> list[FoundTerm]:
        """Finds terms in a text, in its order; of those that overlap, the longest, and the first of these."""
        return self._finder.find(text)


def _normal(term: str) -> str:
    """Returns the one spelling of a term that Unicode and white space can spell in several ways."""
    return " ".join(unicodedata.normalize("NFC", term).split())
