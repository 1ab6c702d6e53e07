"""`nmt average`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import start


@expand_groups
def average(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL…", readable=False, help="Run directories, checkpoints or exported models."),
    ],
    *,
    output: Annotated[Path, typer.Option(metavar="DIR", readable=False, help="A new or empty directory.")],
    log: arguments.LoggingArguments,
) -> None:
    """Average the weights of several models of one architecture, such as the last checkpoints of a run."""
    start(log)
    from nmt.checkpoint.averaging import average_models

    count = average_models(models, output, logger.warning)
    logger.info("the average of %d models is in %s; `nmt eval %s` scores it", count, output, output)
