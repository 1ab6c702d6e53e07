"""`nmt init`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from nmt.cli import arguments
from nmt.cli.files import write_lines
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.sizing import Sizing
from nmt.cli.startup import start
from nmt.errors import ConfigError, Problem


@dataclass(frozen=True)
class ReadyFiles:
    """Files that are ready to be trained on."""

    source: Annotated[str, typer.Option("--source", metavar="FILE", help="Training text.")]
    target: Annotated[str, typer.Option("--target", metavar="FILE", help="Its translation, line by line.")]
    validation_source: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Validation text; by default the file beside the training text: valid.en."),
    ] = None
    validation_target: Annotated[str | None, typer.Option(metavar="FILE", help="Its translation.")] = None
    source_language: Annotated[
        str | None, typer.Option(metavar="L", help="Language code; by default the ending of the file: en of train.en.")
    ] = None
    target_language: Annotated[str | None, typer.Option(metavar="L", help="The same for the translation.")] = None

    def data(self) -> dict[str, Any]:
        """Returns the section `data` of a configuration.

        Raises:
            ConfigError: the names of the files do not tell a language, or where the validation set is.
        """
        from nmt.preparation.ready_files import TEST_NAMES, VALIDATION_NAMES, files_beside, language_of

        languages = {
            "--source-language": self.source_language or language_of(self.source),
            "--target-language": self.target_language or language_of(self.target),
        }
        problems = [
            Problem(option, f"the ending of {path} tells no language; expected a code, such as en")
            for (option, language), path in zip(languages.items(), (self.source, self.target), strict=True)
            if language is None
        ]
        given = self.validation_source, self.validation_target
        validation = given if all(given) else files_beside(self.source, self.target, VALIDATION_NAMES)
        if any(given) and not all(given):
            problems.append(Problem("--validation-source", "and --validation-target belong together; expected both"))
        elif validation is None:
            what = "no validation files lie beside the training files; name them, or let `nmt prepare` set some aside"
            problems.append(Problem("--validation-source", what))
        if problems or validation is None:
            raise ConfigError.from_problems(problems)
        test = files_beside(self.source, self.target, TEST_NAMES)
        sets = {"train": (self.source, self.target), "validation": validation, **({"test": test} if test else {})}
        return {
            "source_language": languages["--source-language"],
            "target_language": languages["--target-language"],
            **{name: {"source": source, "target": target} for name, (source, target) in sets.items()},
        }


@expand_groups
def init(
    *,
    files: ReadyFiles,
    sizing: Sizing,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="CONFIG.yaml", help="A new file; standard output by default.")
    ] = None,
    log: arguments.LoggingArguments,
) -> None:
    """Write the configuration of the right size for files that are ready: for their pairs, your time, this machine."""
    if output is not None and output.exists():
        raise ConfigError("--output", f"{output} is there already; expected a new file")
    data = files.data()
    start(log)
    from nmt.io.atomic_files import write_file
    from nmt.preparation.right_size import right_size
    from nmt.training.signals import StopRequest

    with StopRequest() as stop:
        sized = right_size(data, sizing.minutes, sizing.machine(log.quiet), stop)
    name = output.stem if output is not None else f"{data['source_language']}-{data['target_language']}"
    text = sized.configuration({"name": name}, data)
    if output is None:
        write_lines(text.splitlines())
    else:
        write_file(output, text.encode())
        logger.info("wrote %s; now: nmt train %s", output, output)
