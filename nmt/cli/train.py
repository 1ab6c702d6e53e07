"""`nmt train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import options
from nmt.cli.logs import log_to_file, logger
from nmt.training.distributed.launch import Launch
from nmt.training.signals import StopRequest


def train(
    context: typer.Context,
    config: Annotated[str, typer.Argument(metavar="CONFIG.yaml", help="The configuration.")],
    overrides: options.Overrides = None,
    output: options.RunDirectory = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew; the old run goes when this one has saved.")
    ] = False,
    device: options.Device = "auto",
    precision: options.TrainingPrecision = None,
    threads: options.Threads = None,
    batch_tokens: options.TrainingBatchTokens = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train a translator: tokenizer, corpus, model. Run again, it goes on where it stopped."""
    from nmt.checkpoint.ownership import own_run_directory

    options.start(quiet=quiet, verbose=verbose)
    launch: Launch = context.obj or Launch()
    configuration = options.load_configuration(config, overrides, precision, batch_tokens)
    run = output or Path("runs") / configuration.name
    # From here on the training decides when it is over: what takes a second or two to load might lose an exception.
    with own_run_directory(configuration, run), StopRequest() as stop:
        log_to_file(run / "train.log")
        options.start_threads(threads)
        # Only now, since it takes a second or two: a mistake above, or a run that is in use, is answered at once.
        from nmt.training.pipeline import train_owned

        options.end_loading()
        train_owned(configuration, run, stop, device=device, restart=restart, quiet=quiet, group=launch.group)
    logger.info("the model lies in %s; try it:\n  echo 'A sentence to translate.' | nmt translate %s", run, run)
