"""`nmt info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli import options
from nmt.cli.logs import logger
from nmt.errors import ModelError

if TYPE_CHECKING:
    from nmt.checkpoint.verify import VerifiedPart


def info(
    model: options.Model,
    verify: Annotated[
        bool, typer.Option("--verify", help="Look instead whether every file is whole, without using the model.")
    ] = False,
    output_format: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Tell what a model is: languages, sizes, configuration, scores; or, with --verify, whether it is whole."""
    options.one_of("--format", output_format, ("text", "json"))
    options.start(quiet=quiet, verbose=verbose)
    if verify:
        _verify(model, output_format)
    else:
        _describe(model, output_format)


def _describe(model: Path, output_format: str) -> None:
    from nmt.checkpoint.describe import as_text, describe_model
    from nmt.checkpoint.run_directory import use_model
    from nmt.io.streams import open_output

    description = use_model(model, logger.warning, describe_model, verify_first=True)
    lines = [json.dumps(description, ensure_ascii=False)] if output_format == "json" else as_text(description)
    with open_output("-") as writer:
        for line in lines:
            writer.write(line)


def _verify(model: Path, output_format: str) -> None:
    """Writes what is sound and what is not.

    Raises:
        ModelError: something is damaged; it names every file.
    """
    from nmt.checkpoint.verify import verify_model
    from nmt.io.streams import open_output

    parts = []
    with open_output("-") as writer:
        for part in verify_model(model):
            parts.append(part)
            if output_format == "text":
                writer.write(_as_text(part))
                writer.flush()
        problems = list(dict.fromkeys(problem for part in parts for problem in part.problems))
        if output_format == "json":
            found = {"directory": str(model), "sound": not problems, "parts": list(map(_as_json, parts))}
            writer.write(json.dumps(found, ensure_ascii=False))
    if problems:
        raise ModelError.from_problems(problems)


def _as_text(part: VerifiedPart) -> str:
    if not part.problems:
        return f"{part.path}: sound"
    sound = ", ".join(part.sound) or "nothing"
    use = "; good enough to translate with" if part.translates else ""
    return f"{part.path}: damaged, but for {sound}{use}"


def _as_json(part: VerifiedPart) -> dict[str, Any]:
    return {
        "path": str(part.path),
        "kind": part.kind,
        "sound": not part.problems,
        "files": list(part.sound),
        "problems": [{"where": problem.where, "what": problem.what} for problem in part.problems],
    }
