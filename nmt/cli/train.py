"""`nmt train`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.logs import log_to_file, logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import end_loading, set_threads, start
from nmt.errors import ConfigError, InputFileError, ModelError, Problem
from nmt.training.distributed.launch import Launch
from nmt.training.signals import StopRequest


@expand_groups
def train(
    context: typer.Context,
    config: arguments.Configuration,
    *,
    run: arguments.RunArguments,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew; the old run goes when this one has saved.")
    ] = False,
    compute: arguments.TrainingComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Train a translator: tokenizer, corpus, model. Run again, it goes on where it stopped."""
    from nmt.checkpoint.ownership import own_run_directory

    start(log)
    launch: Launch = context.obj or Launch()
    if restart and launch.process.restarts_left:
        raise ConfigError("--restart", "would begin anew at each restart by torchrun, too; use it without one")
    configuration = arguments.load_configuration(config, run, compute)
    directory = run.directory(configuration)
    # From here on the training decides when it is over: what takes a second or two to load might lose an exception.
    with own_run_directory(configuration, directory, launch.process.job) as lock, StopRequest() as stop:
        log_to_file(directory / "train.log")
        set_threads(compute.threads)
        # Only now, since it takes a second or two: a mistake above, or a run that is in use, is answered at once.
        from nmt.training.pipeline import train_owned

        end_loading()
        with _explained(config):
            end = train_owned(
                configuration,
                lock,
                stop,
                device=compute.device,
                restart=restart,
                quiet=log.quiet,
                group=launch.group,
            )
    from nmt.recipes.choice import FEW_UPDATES

    again = "the model is in %s; try it:"
    if end.updates < FEW_UPDATES and configuration.training.initialize_from is None:
        again = (
            f"the model is in %s, but of {end.updates:,} updates it has hardly learned anything: train longer, or with"
        )
        again += " more pairs (nmt check tells how long); its translations so far:"
    tag = configuration.data.validation[0].tag
    behind = f" --tag {shlex.quote(tag)}" if tag else ""
    logger.info(f"{again}\n  echo 'A sentence to translate.' | nmt translate %s%s", directory, directory, behind)


@contextmanager
def _explained(configuration: str) -> Iterator[None]:
    """Adds to an error of missing files where relative paths start."""
    try:
        yield
    except (InputFileError, ModelError) as error:
        from nmt.config.relative_paths import explain_missing

        if (what := explain_missing((problem.where for problem in error.problems), configuration)) is None:
            raise
        raise type(error).from_problems([*error.problems, Problem("", what)]) from error
