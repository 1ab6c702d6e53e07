"""The program `nmt`: its commands, its signals, and the exit codes of all errors."""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nmt.cli import (
    align,
    attend,
    average,
    bulk,
    check,
    compare,
    evaluate,
    export,
    info,
    init,
    prepare,
    score,
    serve,
    shortlist,
    train,
    translate,
)
from nmt.cli.errors import report, report_unexpected
from nmt.cli.logs import logger, protect_standard_error, start_logging
from nmt.cli.parsing import CompareCommand, FilesCommand
from nmt.errors import ConfigError, NmtError, StoppedError, StorageError
from nmt.libraries import program_version
from nmt.training.distributed.launch import Launch
from nmt.training.distributed.launcher import end_launcher, has_to_end
from nmt.training.distributed.rank import ProcessRank
from nmt.training.early_signals import tell_of_signal
from nmt.training.signals import StopRequest


class Program(TyperGroup):
    """The group of all commands; a usage error, which Typer would report in its own way, is raised as a ConfigError."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parses the options before the command."""
        with _own_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Parses the options of the command, and runs it."""
        with _own_errors(ctx):
            return super().invoke(ctx)


@contextmanager
def _own_errors(ctx: Any = None) -> Iterator[None]:
    """Gives errors the exit codes of this program; a usage error of Typer becomes as any other mistake of a user."""
    try:
        yield
    except typer.TyperException as error:
        command = (ctx and ctx.invoked_subcommand) or ""
        what = _in_own_words(error.format_message().removesuffix("."))
        see = f"see {f'nmt {command}'.rstrip()} --help"
        raise ConfigError(command, f"{what[:1].lower()}{what[1:]}; {see}") from error
    except BrokenPipeError as error:
        raise typer.Exit(141) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
    except EOFError as error:
        raise RuntimeError("unexpected end of data") from error


# What the library that reads numbers says of them.
_LIMIT = re.compile(r"Input should be (greater|less) than or equal to (\S+)")
_NO_NUMBER = re.compile(r"Input should be a valid (number|integer), unable to parse string as an? \w+")


def _in_own_words(message: str) -> str:
    """Returns a message about a wrong value of an option in words of this program."""
    message = _LIMIT.sub(lambda found: f"expected {found[2]} or {'more' if found[1] == 'greater' else 'less'}", message)
    return _NO_NUMBER.sub(lambda found: f"expected a {'whole ' * (found[1] == 'integer')}number", message)


app = typer.Typer(
    name="nmt",
    cls=Program,
    help="Train your own machine translator and watch its attention choose words.",
    invoke_without_command=True,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("prepare")(prepare.prepare)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("train")(train.train)
app.command("translate")(translate.translate)
app.command("eval", cls=FilesCommand)(evaluate.evaluate)
app.command("compare", cls=CompareCommand)(compare.compare)
app.command("score")(score.score)
app.command("align")(align.align)
app.command("attend")(attend.attend)
app.command("serve")(serve.serve)
app.command("bulk")(bulk.bulk)
app.command("shortlist")(shortlist.shortlist)
app.command("export")(export.export)
app.command("average")(average.average)
app.command("info")(info.info)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nmt {program_version()}")
        raise typer.Exit


@app.callback()
def _program(
    ctx: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Train your own machine translator and watch its attention choose words."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), err=True)
        raise typer.Exit(ConfigError.exit_code)


def main() -> None:
    """Runs the command of `sys.argv` and exits with its code."""
    protect_standard_error()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    start_logging()
    code = _run_as_launched() if sys.argv[1:2] == ["train"] else run()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        code = code or 141
    except OSError:
        code = code or StorageError.exit_code
    if sys.stderr is not None:
        sys.stderr.flush()
    logging.shutdown()
    # Without tearing Python down: a thread may still be busy with work that nobody waits for any more, and a broken
    # standard output would be flushed, and complained about, once more.
    os._exit(code)


def _leave(number: int, frame: FrameType | None) -> None:
    """Handles SIGTERM: raises an exception, so that files are closed, and exits with the number itself."""
    tell_of_signal(number)
    _leave_while_loading(number, frame)
    raise SystemExit(128 + number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Handles SIGINT: raises an exception, so that files are closed."""
    tell_of_signal(number)
    _leave_while_loading(number, frame)
    raise KeyboardInterrupt


def _leave_while_loading(number: int, frame: FrameType | None) -> None:
    """Ends the process if it is loading a library, which may lose an exception and be half loaded from then on: torch
    does so with NumPy."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            os._exit(128 + number)
        frame = frame.f_back


def _run_as_launched() -> int:
    """Runs `nmt train`, which may be one of several processes: the first works as if alone, and the others help it."""
    try:
        process = ProcessRank.from_env(os.environ)
    except ConfigError as error:
        return report(error)
    if process.rank:
        with StopRequest() as stop:
            from nmt.training.distributed.worker import run_worker  # takes a second or two, in which signals may come

            code = run_worker(process, stop)
    else:
        launch = Launch(process)
        code = run(launch)
        if has_to_end(process, code):
            logger.info("no restart can change this, so torchrun is asked to end")
        launch.dismiss(code)
    if has_to_end(process, code):
        end_launcher(process)
    return code


def run(launch: Launch | None = None) -> int:
    """Runs the command of `sys.argv`, a training in all processes of `launch`; reports every error and returns the exit
    code."""
    try:
        app(prog_name="nmt", standalone_mode=True, obj=launch)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    except StoppedError as error:
        logger.info("%s", error)
        return error.exit_code
    except NmtError as error:
        return report(error)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return report_unexpected(error)
    return 0
