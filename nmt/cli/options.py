"""Options that several commands share, under one name and with one meaning."""

from __future__ import annotations

import gc
import os
import platform
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli.logs import logger, start_logging
from nmt.errors import ConfigError, Problem

if TYPE_CHECKING:
    from nmt.config import Config
    from nmt.translation.translator import Translator

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Run directory, checkpoint or exported model.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Precision = Annotated[str, typer.Option(help="Of matrix products: auto, fp32 or bf16.")]
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="Threads of the processor to compute with.")]
# What the values of the search may be, `search_options` says.
BatchTokens = Annotated[int | None, typer.Option(help="Source tokens of the sentences translated at once.")]
AlignmentUnit = Annotated[str, typer.Option(help="What alignments count: word or token.")]
BeamSize = Annotated[int | None, typer.Option(help="Hypotheses kept in the search; 1 is greedy.")]
LengthPenalty = Annotated[float | None, typer.Option(help="A in score = log-probability / length^A.", metavar="A")]
MaxLength = Annotated[int | None, typer.Option(help="Longest translation in tokens.")]
Shortlist = Annotated[
    int | None, typer.Option(help="Translations of each source token that a sentence may use; 0 for all tokens.")
]
# Those of `nmt train` that stand for keys of the configuration.
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Overrides a key of the configuration; repeatable."),
]
RunDirectory = Annotated[
    Path | None, typer.Option("--output", metavar="DIR", help="Run directory; runs/NAME by default.")
]
TrainingPrecision = Annotated[str | None, typer.Option(help="In place of training.precision: auto, fp32 or bf16.")]
TrainingBatchTokens = Annotated[int | None, typer.Option(help="In place of training.batch_tokens.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Warnings and errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more, tracebacks of faults too.")]

_LOADING_THRESHOLD = 100_000  # objects made since Python last looked for garbage
_USUAL_THRESHOLDS = gc.get_threshold()


def start(*, quiet: bool, verbose: bool, threads: int | None = None) -> None:
    """What every command does first: logging as asked for, settings of libraries, and the number of threads.

    Until `end_loading` Python looks for garbage seldom.
    """
    start_logging(quiet=quiet, verbose=verbose)
    set_libraries()
    # Loading torch makes half a million objects that stay; looking for garbage among them took an eighth of the time.
    gc.set_threshold(_LOADING_THRESHOLD)
    if verbose:
        packages = ", ".join(f"{name} {version(name)}" for name in ("nmt", "torch", "sentencepiece", "sacrebleu"))
        logger.debug("%s, Python %s on %s", packages, platform.python_version(), platform.platform())
    start_threads(threads)


def set_libraries() -> None:
    """Sets what torch and its libraries read when they are loaded, where the user has not."""
    # Of each size of a product oneDNN keeps what it prepared for it, about a megabyte, by default of 1,024 sizes. They
    # took half of training's memory; with these, which are most of those in use, it is as fast.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
    # Beside it torch holds on to the last 1,024 of them, whatever oneDNN gives up; what it gives up, oneDNN may have.
    os.environ.setdefault("LRU_CACHE_CAPACITY", "64")
    # How often a thread of GNU's OpenMP looks whether the others are done before it sleeps, by default 300,000 times,
    # some milliseconds. On a quiet machine fewer cost a twentieth of the speed; where other programs want the same
    # processors, the threads that look are in the way of the one they wait for, and fewer are three times as fast.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")


def start_threads(threads: int | None) -> None:
    """Computes with so many threads; None leaves it to torch."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def end_loading() -> None:
    """Python looks for garbage as usual from now on, but not among what is there, which libraries made when loaded.

    Doing so took a twentieth of the time of translating a thousand sentences. What is garbage by now stays.
    """
    gc.freeze()
    gc.set_threshold(*_USUAL_THRESHOLDS)


def load_configuration(
    path: str, overrides: Sequence[str] | None, precision: str | None, batch_tokens: int | None
) -> Config:
    """The configuration of a training, with what the command line says in place of its keys.

    Raises:
        ConfigError: with all mistakes found.
    """
    from nmt.config import load_config

    given = {
        "--precision": ("training.precision", precision),
        "--batch-tokens": ("training.batch_tokens", batch_tokens),
    }
    shortcuts = {option: (key, value) for option, (key, value) in given.items() if value is not None}
    return load_config(path, overrides or (), shortcuts)


def load_translator(model: Path, *, device: str, precision: str) -> Translator:
    """The translator at MODEL."""
    from nmt.translation.translator import Translator

    translator = Translator.load(model, device=device, precision=precision, warn=logger.warning)
    end_loading()
    return translator


def search_options(**values: Any) -> dict[str, Any]:
    """The options that were given, for `Translator.options`; those that are None stay as configured.

    Raises:
        ConfigError: values that a configuration would not take; it names each option.
    """
    from nmt.config import check_search

    return check_search({name: value for name, value in values.items() if value is not None})


def check_files(inputs: Sequence[tuple[str, str]], output: tuple[str, str] | None = None) -> None:
    """Sees that standard input is read once, and that no input is emptied by opening the output.

    Args:
        inputs: each option or key that names a file to read, with the file; `-` is standard input.
        output: the same of the file to write, which is not open yet.

    Raises:
        ConfigError: they cannot be used together; nothing was read or written.
    """
    readers = [option for option, path in inputs if path == "-"]
    problems = [
        Problem(option, f"standard input can be read once, and {readers[0]} reads it") for option in readers[1:]
    ]
    if output is not None and output[1] != "-":
        written = _regular_file(output[1])
        problems += [
            Problem(output[0], f"{output[1]} is what {option} names, too; expected another file")
            for option, path in inputs
            if written is not None and _regular_file(path) == written
        ]
    if problems:
        raise ConfigError.from_problems(problems)


def shown_count(
    files: ExitStack, what: str, unit: str, inputs: Sequence[str], output: str, *, quiet: bool
) -> Callable[[int], None]:
    """What shows how many are done, until `files` are closed.

    It shows nothing where a person types the lines or sees the results come, and would see a bar between them.
    """
    typed = "-" in inputs and sys.stdin is not None and sys.stdin.isatty()
    seen = output == "-" and sys.stdout is not None and sys.stdout.isatty()
    if typed or seen:
        return lambda _: None
    from nmt.training.progress import CountProgress

    return files.enter_context(closing(CountProgress(what, unit, quiet=quiet))).show


def is_regular_file(path: str) -> bool:
    """Whether it can be read more than once; standard input cannot."""
    return path != "-" and _regular_file(path) is not None


def _regular_file(path: str) -> tuple[int, int] | None:
    """Which file that is; None for one that is missing, and for a terminal or a device, which may be both read and
    written."""
    if path == "-" and sys.stdin is None:
        return None
    try:
        found = os.fstat(sys.stdin.fileno()) if path == "-" else Path(path).stat()
    except (OSError, ValueError):  # told by whoever opens it
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    """The value, if it is allowed.

    Raises:
        ConfigError: it is not.
    """
    if value not in allowed:
        raise ConfigError(option, f"is {' or '.join(allowed)}, not {value!r}")
    return value


def some_of(option: str, value: str | None, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """The values between commas, if all are allowed; none where the option was not given.

    Raises:
        ConfigError: one of them is not.
    """
    given = () if value is None else tuple(dict.fromkeys(word.strip() for word in value.split(",")))
    for word in given:
        if word not in allowed:
            raise ConfigError(option, f"is some of {','.join(allowed)}, with commas between them, not {word!r}")
    return given
