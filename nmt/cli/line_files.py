"""Files that have a line for each line of the input of `nmt translate`, and are read along with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from typing import TYPE_CHECKING

from nmt.cli.files import is_regular_file
from nmt.cli.logs import logger
from nmt.errors import DataError

if TYPE_CHECKING:
    from nmt.io.lines import Line
    from nmt.io.streams import InputStream

LINES_AT_ONCE = 2048
"""Maximum number of lines translated together, so that those of like length share batches."""


def ready_batches(stream: InputStream) -> Iterator[list[Line]]:
    """Yields the lines of a stream, as soon as they can be read."""
    from nmt.io.lines import ready_lines

    return ready_lines(stream, logger.warning, most=LINES_AT_ONCE)


class LineFile:
    """A file of which as many lines are taken as the input has."""

    def __init__(self, path: str, stack: ExitStack) -> None:
        """Opens it until the stack is left."""
        from nmt.io.streams import open_input

        stream = stack.enter_context(open_input(path))
        self.name = stream.name
        self._lines = chain.from_iterable(ready_batches(stream))
        self._is_finite = is_regular_file(path)

    def take(self, count: int) -> list[str]:
        """Returns the next lines, fewer only at the end."""
        return [line.text for line in islice(self._lines, count)]

    def check_end(self, name: str, count: int) -> None:
        """Raises DataError where lines are left behind the `count` of the input, which is called `name`."""
        if next(self._lines, None) is not None:
            left = sum(1 for _ in self._lines) if self._is_finite else 0
            found = _number(count + 1 + left, is_exact=self._is_finite)
            raise DataError(self.name, f"has {found}, but {name} has {_number(count)}")


def matched_batches(
    name: str, batches: Iterator[list[Line]], files: Sequence[LineFile | None], *, is_finite: bool
) -> Iterator[tuple[list[Line], list[list[str] | None]]]:
    """Yields lines of the input `name` with the lines of each file that belong to them; None of a file that is None.

    Where numbers of lines differ, the rest of the longer one is counted if it is a file that has an end.

    Raises:
        DataError: a file has fewer lines than the input, or more.
    """
    count = 0
    for lines in batches:
        texts = [None if file is None else file.take(len(lines)) for file in files]
        for file, taken in zip(files, texts, strict=True):
            if file is not None and taken is not None and len(taken) < len(lines):
                total = count + len(lines) + (sum(map(len, batches)) if is_finite else 0)
                found = f"has {_number(count + len(taken))}, but {name} has {_number(total, is_exact=is_finite)}"
                raise DataError(file.name, found)
        count += len(lines)
        yield lines, texts
    for file in files:
        if file is not None:
            file.check_end(name, count)


def _number(count: int, *, is_exact: bool = True) -> str:
    return f"{'' if is_exact else 'at least '}{count} {'line' if count == 1 else 'lines'}"
