"""The glossary of a translation: the option that names it, and a warning of terms that are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli.counting import counted
from nmt.cli.logs import logger

if TYPE_CHECKING:
    from nmt.translation.glossary import Glossary
    from nmt.translation.result import Translation
    from nmt.translation.translator import Translator

_MOST_NAMES = 5


@dataclass(frozen=True)
class GlossaryArguments:
    """Terms that translations have where a line has them."""

    glossary: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Terms and their translations, which then are there; tab-separated."),
    ] = None

    def read(self, translator: Translator) -> Glossary | None:
        """Reads the glossary, and warns of terms that the translator cannot write; returns None where there is none.

        Raises:
            DataError: lines that are no terms.
            InputFileError: the file is missing or cannot be read.
        """
        from nmt.translation.glossary_file import read_glossary

        if self.glossary is None:
            return None
        glossary = read_glossary(self.glossary, logger.warning)
        if names := translator.terms.unwritable(glossary):
            shown = ", ".join(f"{name:.80}" for name in names[:_MOST_NAMES])
            others = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
            what = "left out, as the vocabulary of the model cannot spell their translations"
            logger.warning("%s: %s: %s%s", self.glossary, what, shown, others)
        return glossary


class TermWatch:
    """Counts the terms of a glossary that translations lack, and translations that the terms hardly fit."""

    def __init__(self) -> None:
        self._terms = self._missed = self._lines = self._unlikely = 0

    def look_at(self, translation: Translation) -> None:
        """Counts the terms of the best translation of a line."""
        if not translation.outputs or not (terms := translation.outputs[0].annotations.terms):
            return
        from nmt.postprocessing.confidence import unlikely_terms

        missed = sum(not term.met for term in terms)
        self._terms += len(terms)
        self._missed += missed
        self._lines += missed > 0
        self._unlikely += bool(unlikely_terms(translation.outputs[0]))

    def warn(self) -> None:
        """Warns if terms are missing, or hardly fit."""
        if self._missed:
            missed = f"{self._missed:,} of {self._terms:,} terms are missing"
            logger.warning("--glossary: %s, in the translations of %s", missed, counted(self._lines, "line"))
        if self._unlikely:
            what = "with its terms the model finds the translations of %s improbable, and may have written nonsense"
            logger.warning(f"--glossary: {what} (--confidence marks them)", counted(self._unlikely, "line"))
