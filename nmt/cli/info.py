"""`nmt info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import arguments
from nmt.cli.files import write_lines
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import start
from nmt.errors import ModelError


@expand_groups
def info(
    model: arguments.Model,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Look instead whether every file is whole, without using the model.")
    ] = False,
    output_format: arguments.OutputFormat = "text",
    log: arguments.LoggingArguments,
) -> None:
    """Tell what a model is: languages, sizes, configuration, scores; or, with --verify, whether it is whole."""
    arguments.check_choice("--format", output_format, ("text", "json"))
    start(log)
    if verify:
        _verify(model, output_format)
        return
    from nmt.checkpoint.describe import describe_model
    from nmt.checkpoint.run_directory import use_model
    from nmt.cli.formats.model_info import as_json, as_text

    description = use_model(model, logger.warning, describe_model, verify_first=True)
    write_lines([as_json(description)] if output_format == "json" else as_text(description))


def _verify(model: Path, output_format: str) -> None:
    """Writes what is sound and what is not; raises ModelError, which names every file that is damaged."""
    from nmt.checkpoint.verify import verify_model
    from nmt.cli.formats.model_info import verified_as_json, verified_as_text
    from nmt.io.streams import open_output

    parts = []
    with open_output("-") as writer:
        for part in verify_model(model):
            parts.append(part)
            if output_format == "text":
                writer.write(verified_as_text(part))
                writer.flush()
        problems = list(dict.fromkeys(problem for part in parts for problem in part.problems))
        if output_format == "json":
            writer.write(verified_as_json(model, parts, problems))
    if problems:
        raise ModelError.from_problems(problems)
