"""`nmt export`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import start
from nmt.errors import ConfigError, DataError

_LICENCE = r"[a-z0-9][a-z0-9.+-]{0,63}"  # identifiers of hubs are written small


@expand_groups
def export(
    model: arguments.Model,
    directory: Annotated[Path, typer.Argument(metavar="DIR", readable=False, help="A new or empty directory.")],
    *,
    licence: Annotated[
        str | None, typer.Option("--license", metavar="ID", help="Licence that the model card states: cc-by-4.0, …")
    ] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", readable=False, help="What nmt eval --format json said; repeatable."),
    ] = None,
    log: arguments.LoggingArguments,
) -> None:
    """Write a self-contained model directory to hand to somebody: no optimizer, no training data."""
    start(log)
    if licence is not None and not re.fullmatch(_LICENCE, licence):
        raise ConfigError("--license", f"is {licence!r:.80}: expected an identifier such as cc-by-4.0 or mit")
    from nmt.checkpoint.checkpoint import export_model
    from nmt.checkpoint.describe import describe_model
    from nmt.checkpoint.run_directory import use_model
    from nmt.cli.formats.model_card import model_card, name_test_sets, read_scores

    files = dict(zip(scores or (), name_test_sets(scores or ()), strict=True))
    found = [score for path, name in files.items() for score in read_scores(_document(path), str(path), name)]

    def write(checkpoint: Path) -> None:
        export_model(checkpoint, directory, model_card(describe_model(checkpoint), licence, found))
        logger.info("exported %s to %s", checkpoint, directory)

    use_model(model, logger.warning, write)


def _document(path: Path) -> object:
    """Reads a file of JSON; raises InputFileError where it cannot be read, and DataError where it is something else."""
    from nmt.io.streams import read_lines

    text = "\n".join(line.text for line in read_lines(str(path), logger.warning))
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(str(path), "no JSON: expected what nmt eval --format json prints") from error
    return document
