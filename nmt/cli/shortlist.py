"""`nmt shortlist`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import start


@expand_groups
def shortlist(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", readable=False, help="Run directory; its best checkpoint gets the table.")
    ],
    *,
    log: arguments.LoggingArguments,
) -> None:
    """Learn from a run's corpus which tokens translate which, so that --shortlist can translate faster."""
    start(log)
    from nmt.training.shortlist_table import make_table

    checkpoint = make_table(run)
    logger.info(
        "%s has it; try it:\n  echo 'A sentence to translate.' | nmt translate %s --shortlist 50", checkpoint, run
    )
