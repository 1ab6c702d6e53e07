"""`nmt score`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import options, pairs
from nmt.errors import ConfigError

if TYPE_CHECKING:
    from nmt.io.lines import Line


def score(
    model: options.Model,
    src: pairs.Source,
    tgt: pairs.Target,
    output: pairs.Output = "-",
    output_format: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    per_token: Annotated[
        bool, typer.Option("--per-token", help="Each token's log-probability, too, as JSON has it always.")
    ] = False,
    normalize: Annotated[
        bool,
        typer.Option(
            "--normalize", help="Scores as search compares them: log-probability / length^A, as JSON has them always."
        ),
    ] = False,
    length_penalty: options.LengthPenalty = None,
    batch_tokens: pairs.BatchTokens = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Tell how probable the model finds given translations: one log-probability a pair of lines."""
    options.one_of("--format", output_format, ("text", "json"))
    if length_penalty is not None and not normalize and output_format == "text":
        raise ConfigError("--length-penalty", "does nothing without --normalize or --format json")
    options.start(quiet=quiet, verbose=verbose, threads=threads)

    from nmt.cli.formats.pairs import score_as_json, score_as_text

    given = options.search_options(length_penalty=length_penalty, batch_tokens=batch_tokens)
    with pairs.opened(src, tgt, output) as files:
        translator = options.load_translator(model, device=device, precision=precision)
        search = translator.options(shortlist=0, **given)
        penalty = search.search.length_penalty

        def answer(lines: list[tuple[Line, Line]]) -> Iterator[pairs.Answer]:
            for pair in pairs.forced_pairs(translator, lines, attention=False, batch_tokens=search.search.batch_tokens):
                if output_format == "json":
                    text = score_as_json(pair, penalty)
                else:
                    text = score_as_text(pair, penalty if normalize else None, per_token=per_token)
                yield pairs.Answer(text, pair.scores is None)

        files.answer("scoring", answer, quiet=quiet)
