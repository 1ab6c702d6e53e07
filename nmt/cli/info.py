"""`nmt info`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from nmt.cli import options
from nmt.cli.logs import logger


def info(
    model: options.Model,
    output_format: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Tell what a model is: languages, sizes, configuration, scores."""
    options.one_of("--format", output_format, ("text", "json"))
    options.start(quiet=quiet, verbose=verbose)
    from nmt.description import as_text, describe_model
    from nmt.run_directory import use_model
    from nmt.text.files import open_output

    description = use_model(model, logger.warning, describe_model)
    lines = [json.dumps(description, ensure_ascii=False)] if output_format == "json" else as_text(description)
    with open_output("-") as writer:
        for line in lines:
            writer.write(line)
