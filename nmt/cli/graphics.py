"""Files that `--output` of a command can name: a web page, or a figure that matplotlib draws."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nmt.errors import ConfigError, DataError, Problem, StorageError
from nmt.libraries import how_to_install

PAGE = ".html"
FIGURES = (".png", ".svg", ".pdf")
MATPLOTLIB = (3, 11)  # the first that joins and orders letters as their script asks


def is_page(output: str) -> bool:
    """True if the name is a web page's."""
    return Path(output).suffix.lower() == PAGE


def name_problem(output: str) -> Problem | None:
    """Returns what is wrong with a name that is neither a page's nor a figure's."""
    if Path(output).suffix.lower() in (PAGE, *FIGURES):
        return None
    return Problem("--output", f"ends in {' or '.join((PAGE, *FIGURES))}, not {output!r:.80}")


def check_count(where: str, count: int, limit: int, shown: str) -> None:
    """Raises DataError for no lines, and for more than a page or figure takes.

    The error names the origin of the lines, and the limit by `shown`, as in "more lines than a page shows".
    """
    if not count:
        raise DataError(where, "has no line: nothing to show")
    if count > limit:
        raise DataError(where, f"has more lines than {shown}, which is {limit:,} at most")


def check_kind(output: str) -> None:
    """Checks, before anything else takes time, that such a file can be written.

    Raises:
        ConfigError: the name is neither a page's nor a figure's.
        StorageError: a package that is needed to write it is not installed.
    """
    if problem := name_problem(output):
        raise ConfigError.from_problems([problem])
    if is_page(output):
        return
    try:
        found = tuple(map(int, version("matplotlib").split(".")[:2]))
    except PackageNotFoundError:
        found = (0, 0)
    if found < MATPLOTLIB:
        needed = ".".join(map(str, MATPLOTLIB))
        raise StorageError(output, f"needs matplotlib {needed} or newer: {how_to_install('plot')}")
