"""`nmt score`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import arguments
from nmt.cli.arguments import check_choice, check_tag, search_options
from nmt.cli.pairs import BatchTokens, PairArguments, forced_pairs
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import load_translator, start
from nmt.errors import ConfigError

if TYPE_CHECKING:
    from nmt.io.lines import Line


@dataclass(frozen=True)
class ScoreArguments:
    """The output of the scores."""

    output_format: arguments.OutputFormat = "text"
    per_token: Annotated[
        bool, typer.Option("--per-token", help="Each token's log-probability, too, as JSON has it always.")
    ] = False
    normalize: Annotated[
        bool,
        typer.Option(
            "--normalize", help="Scores as search compares them: log-probability / length^A, as JSON has them always."
        ),
    ] = False
    length_penalty: arguments.LengthPenalty = None


@expand_groups
def score(
    model: arguments.Model,
    *,
    pairs: PairArguments,
    scores: ScoreArguments,
    ensemble: arguments.EnsembleArguments,
    batch_tokens: BatchTokens = None,
    compute: arguments.ComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Tell how probable the model finds given translations: one log-probability a pair of lines."""
    check_choice("--format", scores.output_format, ("text", "json"))
    if scores.length_penalty is not None and not scores.normalize and scores.output_format == "text":
        raise ConfigError("--length-penalty", "does nothing without --normalize or --format json")
    ensemble.check()
    start(log, compute)

    from nmt.cli.formats.scored_pairs import as_json, as_text

    given = search_options(length_penalty=scores.length_penalty, batch_tokens=batch_tokens)
    with pairs.opened() as files:
        translator = load_translator(model, compute, ensemble)
        check_tag(translator.tokenizers, pairs.tag)
        search = translator.options(shortlist=0, **given).search
        penalty = search.length_penalty

        def results(lines: list[tuple[Line, Line]]) -> Iterator[tuple[str, bool]]:
            for pair in forced_pairs(
                translator, lines, attention=False, batch_tokens=search.batch_tokens, tag=pairs.tag
            ):
                if scores.output_format == "json":
                    text = as_json(pair, penalty)
                else:
                    text = as_text(pair, penalty if scores.normalize else None, per_token=scores.per_token)
                yield text, pair.scores is None

        files.write_results("scoring", results, quiet=log.quiet)
