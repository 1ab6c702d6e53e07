"""`nmt align`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.alignment.symmetrization import SYMMETRIZATIONS, symmetrize
from nmt.cli import arguments
from nmt.cli.arguments import check_choice, check_tag, search_options
from nmt.cli.logs import logger
from nmt.cli.pairs import BatchTokens, PairArguments, forced_pairs
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import load_translator, start
from nmt.errors import ConfigError

if TYPE_CHECKING:
    from nmt.alignment.symmetrization import Link
    from nmt.io.lines import Line
    from nmt.translation.forced_decoding import ForcedPair
    from nmt.translation.translator import Translator


@dataclass(frozen=True)
class AlignmentArguments:
    """The alignments to make, and their output."""

    output_format: Annotated[str, typer.Option("--format", help="text (Pharaoh format) or json.")] = "text"
    alignment: Annotated[str, typer.Option(help="hard, or soft: all weights, too; needs json.")] = "hard"
    alignment_unit: arguments.AlignmentUnit = "word"
    reverse: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", readable=False, help="A model of the other direction, to align both ways."),
    ] = None
    symmetrize: Annotated[
        str | None, typer.Option(help="Of --reverse: intersection, union or grow-diag-final-and, which is the default.")
    ] = None

    def check(self) -> None:
        """Raises ConfigError for values that are not allowed, or not together."""
        check_choice("--format", self.output_format, ("text", "json"))
        check_choice("--alignment", self.alignment, ("hard", "soft"))
        check_choice("--alignment-unit", self.alignment_unit, ("word", "token"))
        if self.alignment == "soft" and self.output_format != "json":
            raise ConfigError("--alignment", f"soft needs --format json, not {self.output_format}")
        if self.reverse is None:
            if self.symmetrize is not None:
                raise ConfigError("--symmetrize", "does nothing without --reverse MODEL")
            return
        if self.symmetrize is not None:
            check_choice("--symmetrize", self.symmetrize, tuple(SYMMETRIZATIONS))
        if self.alignment_unit == "token":
            raise ConfigError("--alignment-unit", "is word with --reverse: two models have two kinds of tokens")

    def links(self, pair: ForcedPair, reverse: ForcedPair | None) -> list[Link]:
        """Returns the links of a pair that was scored in one direction or both."""
        from nmt.alignment.links import pair_links

        links = pair_links(pair, self.alignment_unit)
        if reverse is None:
            return links
        return symmetrize(links, pair_links(reverse, "word"), self.symmetrize or "grow-diag-final-and")


@expand_groups
def align(
    model: arguments.Model,
    *,
    pairs: PairArguments,
    alignments: AlignmentArguments,
    ensemble: arguments.EnsembleArguments,
    batch_tokens: BatchTokens = None,
    compute: arguments.ComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Align the words of given translations, by the attention of a model that reads them."""
    alignments.check()
    ensemble.check()
    start(log, compute)

    from nmt.cli.formats.alignments import as_json, pharaoh

    given = search_options(batch_tokens=batch_tokens)
    with pairs.opened() as files:
        translator = _load(model, compute, ensemble)
        reverse = None if alignments.reverse is None else _load(alignments.reverse, compute)
        if reverse is not None:
            _check_directions(translator, reverse)
        check_tag(translator.tokenizers, pairs.tag)
        tokens = translator.options(shortlist=0, **given).search.batch_tokens

        def results(lines: list[tuple[Line, Line]]) -> Iterator[tuple[str, bool]]:
            forward = forced_pairs(translator, lines, attention=True, batch_tokens=tokens, tag=pairs.tag)
            backward: Iterator[ForcedPair | None] = repeat(None, len(lines))
            if reverse is not None:
                swapped = [(target, source) for source, target in lines]
                backward = forced_pairs(reverse, swapped, attention=True, batch_tokens=tokens)
            for (line, _), pair, other in zip(lines, forward, backward, strict=True):
                too_large = pair.scores is None or (other is not None and other.scores is None)
                links = None if too_large else alignments.links(pair, other)
                if alignments.output_format == "json":
                    soft, unit = alignments.alignment == "soft", alignments.alignment_unit
                    text = as_json(line.number - 1, pair, links, soft=soft, unit=unit)
                else:
                    text = pharaoh(links or ())
                yield text, too_large

        files.write_results("aligning", results, quiet=log.quiet)


def _load(
    model: Path, compute: arguments.ComputeArguments, ensemble: arguments.EnsembleArguments | None = None
) -> Translator:
    translator = load_translator(model, compute, ensemble)
    if not translator.has_attention:
        logger.warning("%s: a model without attention aligns nothing", model)
    return translator


def _check_directions(translator: Translator, reverse: Translator) -> None:
    """Warns where one is not the other's direction, as far as the codes of their languages tell; raises ConfigError
    where both translate in the same one."""
    ours, theirs = ((one.config.data.source_language, one.config.data.target_language) for one in (translator, reverse))
    expected = ours[::-1]
    if theirs == expected:
        return
    what = "translates {} to {}; expected {} to {}, the other direction of MODEL".format(*theirs, *expected)
    if theirs == ours:
        raise ConfigError("--reverse", what)
    logger.warning("--reverse %s", what)
