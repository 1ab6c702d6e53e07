"""Options that several commands share, under one name and with one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli.logs import logger, start_logging
from nmt.errors import ConfigError

if TYPE_CHECKING:
    from nmt.translator import Translator

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Run directory, checkpoint or exported model.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Precision = Annotated[str, typer.Option(help="Of matrix products: auto, fp32 or bf16.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the processor to compute with.")]
BatchTokens = Annotated[int | None, typer.Option(min=1, help="Source tokens of the sentences translated at once.")]
BeamSize = Annotated[int | None, typer.Option(min=1, help="Hypotheses kept in the search; 1 is greedy.")]
LengthPenalty = Annotated[
    float | None, typer.Option(min=0.0, help="A in score = log-probability / length^A.", metavar="A")
]
MaxLength = Annotated[int | None, typer.Option(min=1, help="Longest translation in tokens.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Warnings and errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more, tracebacks of faults too.")]


def start(*, quiet: bool, verbose: bool, threads: int | None = None) -> None:
    """What every command does first: logging as asked for, and the number of threads."""
    start_logging(quiet=quiet, verbose=verbose)
    start_threads(threads)


def start_threads(threads: int | None) -> None:
    """Computes with so many threads; None leaves it to torch."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def load_translator(model: Path, *, device: str, precision: str) -> Translator:
    """The translator at MODEL."""
    from nmt.translator import Translator

    return Translator.load(model, device=device, precision=precision, warn=logger.warning)


def search_options(**values: Any) -> dict[str, Any]:
    """The options that were given, for `Translator.options`; those that are None stay as configured."""
    return {name: value for name, value in values.items() if value is not None}


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    """The value, if it is allowed.

    Raises:
        ConfigError: it is not.
    """
    if value not in allowed:
        raise ConfigError(option, f"is {' or '.join(allowed)}, not {value!r}")
    return value
