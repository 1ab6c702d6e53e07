"""`nmt init`."""

from __future__ import annotations

import shlex
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
from nmt.errors import ConfigError, InputFileError, Problem


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
            InputFileError: files are missing.
        """
        from nmt.preparation.language_codes import language_problem
        from nmt.preparation.ready_files import TEST_NAMES, VALIDATION_NAMES, files_beside, language_of

        self._check_files()
        languages = {
            "--source-language": self.source_language or language_of(self.source),
            "--target-language": self.target_language or language_of(self.target),
        }
        problems = [
            Problem(option, f"the ending of {path} tells no language; expected a code, such as en")
            for (option, language), path in zip(languages.items(), (self.source, self.target), strict=True)
            if language is None
        ]
        problems += [
            problem
            for option, language in languages.items()
            if language is not None and (problem := language_problem(option, language))
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

    def _check_files(self) -> None:
        """Checks that the files are there, and are no tables."""
        from nmt.corpus.parallel import absence
        from nmt.preparation.ready_files import is_table_by_name

        given = (self.source, self.target, self.validation_source, self.validation_target)
        if missing := [problem for path in given if path is not None and (problem := absence(path))]:
            raise InputFileError.from_problems(list(dict.fromkeys(missing)))
        for path in (self.source, self.target):
            if is_table_by_name(path):
                raise ConfigError(path, f"is a table, by its name; use nmt prepare {shlex.quote(path)}, which reads it")
        if Path(self.source).samefile(self.target):
            what = "is source and target; expected a file for each language. A table of both is read by nmt prepare"
            raise ConfigError(self.source, what)


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
    from nmt.cli.formats.preparation import recipe_line
    from nmt.io.atomic_files import write_file
    from nmt.preparation.right_size import right_size
    from nmt.training.signals import StopRequest

    with StopRequest() as stop:
        sized = right_size(data, sizing.minutes, sizing.machine(log.quiet), stop)
    for finding in sized.language_findings:
        logger.warning("%s: %s; %s", finding.where, finding.what, finding.advice)
    name = output.stem if output is not None else f"{data['source_language']}-{data['target_language']}"
    text = sized.configuration({"name": name}, data)
    if output is None:
        write_lines(text.splitlines())
    else:
        write_file(output, text.encode())
        logger.info("wrote %s", output)
    logger.info("it trains %s", recipe_line(sized))
    if "test" not in data:
        logger.info("no test set lies beside the training files; nmt eval needs one that training has not seen")
    for warning in sized.warnings():
        logger.warning("%s", warning)
    if output is not None:
        logger.info("next:\n  nmt check %s\n  nmt train %s", *[shlex.quote(str(output))] * 2)
