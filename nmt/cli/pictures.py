"""What `--output` of a command can be: a web page, or a figure that matplotlib draws."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nmt.errors import ConfigError, DataError, Problem, StorageError

PAGE = ".html"
FIGURES = (".png", ".svg", ".pdf")
MATPLOTLIB = (3, 11)  # the first that joins and orders letters as their script asks


def is_page(output: str) -> bool:
    """Whether the name is a web page's."""
    return Path(output).suffix.lower() == PAGE


def wrong_name(output: str) -> Problem | None:
    """What there is to say of a name that does not tell what to write."""
    if Path(output).suffix.lower() in (PAGE, *FIGURES):
        return None
    return Problem("--output", f"ends in {' or '.join((PAGE, *FIGURES))}, not {output!r:.80}")


def check_count(place: str, count: int, most: int, shown: str) -> None:
    """Sees that there are lines, and not more than a picture takes.

    Args:
        place: where they come from, which errors name.
        count: how many they are.
        most: how many there may be.
        shown: what these are, as in "more lines than a page shows".

    Raises:
        DataError: there are none, or too many.
    """
    if not count:
        raise DataError(place, "has no line: nothing to show")
    if count > most:
        raise DataError(place, f"has more lines than {shown}, which is {most:,} at most")


def check_kind(output: str) -> None:
    """Sees, before anything else takes time, that there is a way to write such a file.

    Raises:
        ConfigError: the name does not tell what to write.
        StorageError: what is needed to write it is not installed.
    """
    if problem := wrong_name(output):
        raise ConfigError.from_problems([problem])
    if is_page(output):
        return
    try:
        found = tuple(map(int, version("matplotlib").split(".")[:2]))
    except PackageNotFoundError:
        found = (0, 0)
    if found < MATPLOTLIB:
        needed = ".".join(map(str, MATPLOTLIB))
        raise StorageError(output, f"needs matplotlib {needed} or newer: pip install 'nmt[plot]'")
