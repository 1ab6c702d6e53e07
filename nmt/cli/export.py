"""`nmt export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import start


@expand_groups
def export(
    model: arguments.Model,
    directory: Annotated[Path, typer.Argument(metavar="DIR", readable=False, help="A new or empty directory.")],
    *,
    log: arguments.LoggingArguments,
) -> None:
    """Write a self-contained model directory to hand to somebody: no optimizer, no training data."""
    start(log)
    from nmt.checkpoint.checkpoint import export_model
    from nmt.checkpoint.run_directory import use_model

    def write(checkpoint: Path) -> None:
        export_model(checkpoint, directory)
        logger.info("exported %s to %s", checkpoint, directory)

    use_model(model, logger.warning, write)
