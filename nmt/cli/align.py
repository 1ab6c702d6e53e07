"""`nmt align`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.alignment.symmetrization import SYMMETRIZATIONS
from nmt.cli import options, pairs
from nmt.cli.logs import logger
from nmt.errors import ConfigError

if TYPE_CHECKING:
    from nmt.io.lines import Line
    from nmt.translation.translator import Translator


def align(
    model: options.Model,
    src: pairs.Source,
    tgt: pairs.Target,
    output: pairs.Output = "-",
    output_format: Annotated[str, typer.Option("--format", help="text (Pharaoh format) or json.")] = "text",
    alignment: Annotated[str, typer.Option(help="hard, or soft: all weights, too; needs json.")] = "hard",
    alignment_unit: options.AlignmentUnit = "word",
    reverse: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="A model of the other direction, to align both ways.")
    ] = None,
    symmetrize: Annotated[
        str | None,
        typer.Option(help="Of --reverse: intersection, union or grow-diag-final-and, which is the default."),
    ] = None,
    batch_tokens: pairs.BatchTokens = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Align the words of given translations, by the attention of a model that reads them."""
    _check(output_format, alignment, alignment_unit, reverse, symmetrize)
    method = symmetrize or "grow-diag-final-and"
    options.start(quiet=quiet, verbose=verbose, threads=threads)

    from nmt.alignment.words import pharaoh
    from nmt.cli.formats.pairs import alignment_as_json, links_of, symmetrized_links

    given = options.search_options(batch_tokens=batch_tokens)
    with pairs.opened(src, tgt, output) as files:
        translator = _load(model, device=device, precision=precision)
        backward = None if reverse is None else _load(reverse, device=device, precision=precision)
        if backward is not None:
            _compare(translator, backward)
        tokens = translator.options(shortlist=0, **given).search.batch_tokens

        def answer(lines: list[tuple[Line, Line]]) -> Iterator[pairs.Answer]:
            forward = pairs.forced_pairs(translator, lines, attention=True, batch_tokens=tokens)
            turned = (
                repeat(None)
                if backward is None
                else pairs.forced_pairs(
                    backward, [(target, source) for source, target in lines], attention=True, batch_tokens=tokens
                )
            )
            for (line, _), pair, other in zip(lines, forward, turned, strict=False):
                refused = pair.scores is None or (other is not None and other.scores is None)
                links = None
                if not refused:
                    links = links_of(pair, alignment_unit) if other is None else symmetrized_links(pair, other, method)
                if output_format == "json":
                    text = alignment_as_json(
                        line.number - 1, pair, links, soft=alignment == "soft", unit=alignment_unit
                    )
                else:
                    text = pharaoh(links or ())
                yield pairs.Answer(text, refused)

        files.answer("aligning", answer, quiet=quiet)


def _check(
    output_format: str, alignment: str, alignment_unit: str, reverse: Path | None, symmetrize: str | None
) -> None:
    options.one_of("--format", output_format, ("text", "json"))
    options.one_of("--alignment", alignment, ("hard", "soft"))
    options.one_of("--alignment-unit", alignment_unit, ("word", "token"))
    if alignment == "soft" and output_format != "json":
        raise ConfigError("--alignment", f"soft needs --format json, not {output_format}")
    if reverse is None:
        if symmetrize is not None:
            raise ConfigError("--symmetrize", "does nothing without --reverse MODEL")
        return
    if symmetrize is not None:
        options.one_of("--symmetrize", symmetrize, tuple(SYMMETRIZATIONS))
    if alignment_unit == "token":
        raise ConfigError("--alignment-unit", "is word with --reverse: two models have two kinds of tokens")


def _load(model: Path, *, device: str, precision: str) -> Translator:
    translator = options.load_translator(model, device=device, precision=precision)
    if translator.config.model.attention == "none":
        logger.warning("%s: a model without attention aligns nothing", model)
    return translator


def _compare(translator: Translator, backward: Translator) -> None:
    """Warns where one is not the other's direction, as far as the codes of their languages tell.

    Raises:
        ConfigError: both translate in the same direction.
    """
    ours, theirs = (
        (one.config.data.source_language, one.config.data.target_language) for one in (translator, backward)
    )
    expected = ours[::-1]
    if theirs == expected:
        return
    told = "translates {} to {}; expected {} to {}, the other direction of MODEL".format(*theirs, *expected)
    if theirs == ours:
        raise ConfigError("--reverse", told)
    logger.warning("--reverse %s", told)
