"""`nmt check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.files import write_lines
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import remark_on_threads, start


@dataclass(frozen=True)
class CheckArguments:
    """The extent of a check, and the output of its findings."""

    restart: Annotated[bool, typer.Option("--restart", help="Check for a training that begins anew.")] = False
    full: Annotated[bool, typer.Option("--full", help="Read all of large files, not some of their lines.")] = False
    no_trial: Annotated[bool, typer.Option("--no-trial", help="Make no updates: tells no time, no memory.")] = False
    output_format: arguments.OutputFormat = "text"


@expand_groups
def check(
    config: arguments.Configuration,
    *,
    run: arguments.RunArguments,
    extent: CheckArguments,
    compute: arguments.TrainingComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Find before training what would fail or disappoint: files, text, run directory, disk, memory, time."""
    arguments.check_choice("--format", extent.output_format, ("text", "json"))
    start(log)
    remark_on_threads(compute.threads)
    configuration = arguments.load_configuration(config, run, compute)
    from nmt.cli.formats.preflight import as_json, as_text
    from nmt.preflight.check import PreflightOptions, check

    options = PreflightOptions(
        full=extent.full,
        trial=not extent.no_trial,
        restart=extent.restart,
        device=compute.device,
        threads=compute.threads,
        quiet=log.quiet,
        configuration=config,
    )
    report = check(configuration, run.directory(configuration), options)
    write_lines([as_json(report)] if extent.output_format == "json" else as_text(report, quiet=log.quiet))
    raise typer.Exit(report.exit_code)
