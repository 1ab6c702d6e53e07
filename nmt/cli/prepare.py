"""`nmt prepare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.arguments import check_choice
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.sizing import Sizing
from nmt.cli.startup import start
from nmt.training.signals import StopRequest

_MOST_PAIRS = 10_000_000
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class SplitArguments:
    """The sizes of the sets that are held out, and how they are drawn."""

    validation: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=_MOST_PAIRS, help="Sentences for validation; by default, what suits."),
    ] = None
    test: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=_MOST_PAIRS, help="Sentences for test; 0 for no test set.")
    ] = None
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=_LARGEST_SEED, help="Which sentences these are; and of the training.")
    ] = 1


@dataclass(frozen=True)
class PreparationArguments:
    """What is made of the corpus besides its sets."""

    clean: Annotated[str, typer.Option(metavar="C", help="How much is mended and left out: none, safe or strict.")] = (
        "safe"
    )
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier preparation in DIR.")] = False


@expand_groups
def prepare(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT…", help="A corpus as it is distributed, in one or several files.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder of the sets; made anew.")],
    source_language: Annotated[str, typer.Option(metavar="L", help="Language to translate from, such as en.")],
    target_language: Annotated[str, typer.Option(metavar="L", help="Language to translate into, such as de.")],
    split: SplitArguments,
    what: PreparationArguments,
    sizing: Sizing,
    log: arguments.LoggingArguments,
) -> None:
    """Make of a corpus as it is distributed training, validation and test sets and a configuration that trains."""
    check_choice("--clean", what.clean, ("none", "safe", "strict"))
    start(log)
    from nmt.cli.formats.preparation import as_text, next_steps
    from nmt.preparation.cleaning import CleaningLevel
    from nmt.preparation.prepare import PreparationOptions, prepare

    options = PreparationOptions(
        source_language=source_language,
        target_language=target_language,
        validation=split.validation,
        test=split.test,
        clean=CleaningLevel(what.clean),
        minutes=sizing.minutes,
        machine=sizing.machine(log.quiet),
        seed=split.seed,
        overwrite=what.overwrite,
        quiet=log.quiet,
    )
    with StopRequest() as stop:
        prepared = prepare(inputs, output, options, stop)
    for line in as_text(prepared):
        logger.info("%s", line)
    for warning in prepared.warnings:  # after the numbers, which would push them off the screen
        logger.warning("%s", warning)
    for line in next_steps(output):
        logger.info("%s", line)
