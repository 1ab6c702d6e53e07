"""What the search may write, and what becomes of it: options of `nmt translate` and `nmt bulk`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli.logs import logger
from nmt.errors import ConfigError, Problem

if TYPE_CHECKING:
    from nmt.cli.quick_start import QuickTranslator
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator


@dataclass(frozen=True)
class PostprocessingArguments:
    """Corrections and annotations of finished translations."""

    replace_unknown: Annotated[
        bool, typer.Option("--replace-unknown", help="Put source words in place of words unknown to the model.")
    ] = False
    dictionary: Annotated[
        str | None, typer.Option(metavar="FILE", help="Of --replace-unknown: translations of single words.")
    ] = None
    copy: Annotated[
        str | None, typer.Option(metavar="KINDS", help="Carry over as they stand: numbers, urls, tags.")
    ] = None
    confidence: Annotated[
        bool, typer.Option("--confidence", help="Tell the probability of each translation and reasons to doubt it.")
    ] = False

    def check(self) -> None:
        """Raises ConfigError for a dictionary without a use."""
        if self.dictionary is not None and not self.replace_unknown:
            raise ConfigError("--dictionary", "does nothing without --replace-unknown")

    def kinds(self) -> tuple[str, ...]:
        """Returns the kinds of entities to carry over; raises ConfigError for an unknown one."""
        from nmt.postprocessing.entities import KINDS

        kinds = () if self.copy is None else tuple(dict.fromkeys(word.strip() for word in self.copy.split(",")))
        for kind in kinds:
            if kind not in KINDS:
                raise ConfigError("--copy", f"is some of {','.join(KINDS)}, with commas between them, not {kind!r}")
        return kinds

    def postprocessor(self) -> Postprocessor:
        """Reads the dictionary, and returns what corrects and annotates translations."""
        from nmt.postprocessing.dictionary import Dictionary, read_dictionary
        from nmt.postprocessing.postprocess import Postprocessor

        dictionary = Dictionary() if self.dictionary is None else read_dictionary(self.dictionary, logger.warning)
        return Postprocessor(self.replace_unknown, dictionary, self.kinds(), self.confidence)


@dataclass(frozen=True)
class ConstraintArguments:
    """Constraints of the search, and the groups of its beam."""

    no_repeat_ngram: Annotated[int | None, typer.Option(help="No n-gram of this length twice.")] = None
    coverage_penalty: Annotated[float | None, typer.Option(help="Weight of the coverage penalty.")] = None
    max_length_ratio: Annotated[
        float | None, typer.Option(help="Longest translation relative to the source's tokens.")
    ] = None
    diverse: Annotated[
        int | None, typer.Option(metavar="G", help="Groups of the beam that avoid each other's words; 1 by default.")
    ] = None
    diversity: Annotated[
        float | None, typer.Option(help="Of --diverse: what each use of a word costs the others; 0.5 by default.")
    ] = None

    def check(self) -> None:
        """Raises ConfigError for a strength of diversity without a use."""
        if self.diversity is not None and (self.diverse or 1) == 1:
            raise ConfigError("--diversity", "does nothing without --diverse of 2 or more")

    def options(self) -> dict[str, Any]:
        """Returns the values of all of them, for `search_options`."""
        return {field.name: getattr(self, field.name) for field in fields(ConstraintArguments)}


def check_attention(
    translator: Translator | QuickTranslator,
    options: TranslateOptions,
    postprocessor: Postprocessor,
    alignment: str = "none",
) -> None:
    """Refuses options that need attention where the model has none, and warns of those that do nothing with it."""
    has_attention = translator.has_attention
    needing = {
        "--coverage-penalty": options.search.coverage_penalty,
        "--replace-unknown": postprocessor.replace_unknown,
        "--copy": postprocessor.copy,
    }
    if not has_attention and any(needing.values()):
        what = "needs a model with attention"
        raise ConfigError.from_problems([Problem(option, what) for option, value in needing.items() if value])
    if postprocessor.replace_unknown and translator.tokenizers.target.spells_bytes:
        logger.warning("--replace-unknown: this model spells words in bytes that it does not know, and writes no ⁇")
    if not has_attention and alignment != "none":
        logger.warning("this model has no attention, so there are no alignments")
