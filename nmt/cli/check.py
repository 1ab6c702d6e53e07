"""`nmt check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import options


def check(
    config: Annotated[str, typer.Argument(metavar="CONFIG.yaml", help="The configuration.")],
    overrides: options.Overrides = None,
    output: options.RunDirectory = None,
    restart: Annotated[bool, typer.Option("--restart", help="Check for a training that begins anew.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read all of large files, not only their beginning.")] = False,
    no_trial: Annotated[bool, typer.Option("--no-trial", help="Make no updates: tells no time, no memory.")] = False,
    output_format: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    device: options.Device = "auto",
    precision: options.TrainingPrecision = None,
    threads: options.Threads = None,
    batch_tokens: options.TrainingBatchTokens = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Find before training what would fail or disappoint: files, text, run directory, disk, memory, time."""
    options.one_of("--format", output_format, ("text", "json"))
    options.start(quiet=quiet, verbose=verbose)
    configuration = options.load_configuration(config, overrides, precision, batch_tokens)
    run = output or Path("runs") / configuration.name
    from nmt.cli.formats.preflight import as_json, as_text
    from nmt.io.streams import open_output
    from nmt.preflight.check import PreflightOptions, check

    report = check(
        configuration,
        run,
        PreflightOptions(full=full, trial=not no_trial, restart=restart, device=device, threads=threads, quiet=quiet),
    )
    with open_output("-") as writer:
        for line in [as_json(report)] if output_format == "json" else as_text(report, quiet=quiet):
            writer.write(line)
    raise typer.Exit(report.exit_code)
