"""The program `nmt`: its commands, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import attend, evaluate, export, info, train, translate
from nmt.cli.logs import logger, start_logging
from nmt.errors import NmtError, StoppedError

app = typer.Typer(
    name="nmt",
    help="Train your own machine translator and watch its attention choose words.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("train")(train.train)
app.command("translate")(translate.translate)
app.command("eval", cls=evaluate.EvaluateCommand)(evaluate.evaluate)
app.command("attend")(attend.attend)
app.command("export")(export.export)
app.command("info")(info.info)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nmt {version('nmt')}")
        raise typer.Exit


@app.callback()
def _program(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Train your own machine translator and watch its attention choose words."""


def main() -> None:
    """Runs the command of `sys.argv` and exits with its code."""
    start_logging()
    code = _run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (BrokenPipeError, ValueError, AttributeError):
            code = code or 141
    logging.shutdown()
    # Without tearing Python down: a thread may still be busy with work that nobody waits for any more, and a broken
    # standard output would be flushed, and complained about, once more.
    os._exit(code)


def _run() -> int:
    """Runs the command and gives its exit code; every error has been told when it returns."""
    try:
        app(prog_name="nmt", standalone_mode=True)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    except StoppedError as error:
        logger.info("%s", error)
        return error.exit_code
    except NmtError as error:
        for problem in error.problems:
            _complain(str(problem))
        return error.exit_code
    except BrokenPipeError:
        return 141
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        _complain("out of memory")
        return 7
    except Exception:
        return _report_fault()
    return 0


def _complain(text: str) -> None:
    line = f"nmt: error: {text}"
    sys.stderr.write(line.encode("utf-8", "replace").decode(sys.stderr.encoding or "utf-8", "replace") + "\n")
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(
                logging.makeLogRecord({"name": "nmt", "levelno": logging.ERROR, "levelname": "ERROR", "msg": line})
            )


def _report_fault() -> int:
    """Tells of a fault of ours; the traceback goes to a log file or, with --verbose, to standard error."""
    text = traceback.format_exc()
    if any(
        not isinstance(handler, logging.FileHandler) and handler.level <= logging.DEBUG for handler in logger.handlers
    ):
        sys.stderr.write(text)
        _complain("a fault in nmt; its traceback stands above")
        return 70
    files = [Path(handler.baseFilename) for handler in logger.handlers if isinstance(handler, logging.FileHandler)]
    if files:
        logger.error("a fault in nmt\n%s", text, extra={"to_file_only": True})
        place = files[0]
    else:
        descriptor, name = tempfile.mkstemp(prefix="nmt-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        place = Path(name)
    _complain(f"a fault in nmt; its traceback is in {place}")
    return 70
