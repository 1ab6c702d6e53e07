"""Checks of the files that a command reads and writes, and a progress bar between them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from nmt.cli.counting import counted
from nmt.errors import ConfigError, Problem


def check_files(inputs: Sequence[tuple[str, str]], output: tuple[str, str] | None = None) -> None:
    """Checks that standard input is read once, and that no input would be emptied by opening the output.

    Each file stands behind the option or key that names it, and `-` is a standard stream; the output is not open yet.

    Raises:
        ConfigError: they cannot be used together; nothing was read or written.
    """
    readers = [option for option, path in inputs if path == "-"]
    what = "standard input can be read once, and {} reads it"
    problems = [Problem(option, what.format(readers[0])) for option in readers[1:]]
    if output is not None and output[1] != "-":
        written = _regular_file(output[1])
        problems += [
            Problem(output[0], f"{output[1]} is what {option} names, too; expected another file")
            for option, path in inputs
            if written is not None and _regular_file(path) == written
        ]
    if problems:
        raise ConfigError.from_problems(problems)


def is_regular_file(path: str) -> bool:
    """True if a file can be read more than once; standard input cannot."""
    return path != "-" and _regular_file(path) is not None


def _regular_file(path: str) -> tuple[int, int] | None:
    """Returns the identity of a regular file; None for others, such as a terminal, which may be both read and
    written, and for one that is missing."""
    if path == "-" and sys.stdin is None:
        return None
    try:
        found = os.fstat(sys.stdin.fileno()) if path == "-" else Path(path).stat()
    except (OSError, ValueError):  # reported by whoever opens it
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def write_lines(lines: Iterable[str]) -> None:
    """Writes lines to standard output."""
    from nmt.io.streams import open_output

    with open_output("-") as writer:
        for line in lines:
            writer.write(line)


def count_progress(
    stack: ExitStack, what: str, unit: str, inputs: Sequence[str], output: str, *, quiet: bool
) -> Callable[[int], None]:
    """Opens a progress bar until `stack` is closed, and returns the function that sets the number of units done.

    There is no bar where a person types the lines or sees the results come, and would see it between them.
    """
    typed = "-" in inputs and sys.stdin is not None and sys.stdin.isatty()
    seen = output == "-" and sys.stdout is not None and sys.stdout.isatty()
    if typed or seen:
        return lambda _: None
    from nmt.training.progress import CountProgress

    return stack.enter_context(closing(CountProgress(what, unit, quiet=quiet))).show


def too_long(count: int, fate: str) -> str:
    """Says of how many lines that were too long what became of them."""
    return f"{counted(count, 'line')} {'was' if count == 1 else 'were'} too long, and {fate}"
