"""The faults of a file's lines, of which as many are told as help."""

from __future__ import annotations

from nmt.errors import DataError, Problem

MOST = 20
"""Maximum number of lines that are named."""

FIRST = 3
"""Number of lines at a file's beginning which, if all are wrong, show that it is a file of another kind."""


class LineFaults:
    """The lines of a file that are not what it is to hold.

    Where not one of the first lines is, the first fault is told alone: a wrong file has a fault on every line.
    """

    def __init__(self, expected: str) -> None:
        """Takes the name of what the file is to be, such as `a glossary`."""
        self._expected = expected
        self._problems: list[Problem] = []
        self._good = 0

    def look_at(self, where: str, what: str) -> None:
        """Notes a line, with what is wrong with it; an empty text if nothing is."""
        if what:
            self._problems.append(Problem(where, what))
        else:
            self._good += 1

    @property
    def are_enough(self) -> bool:
        """True if no further line need be looked at."""
        return len(self._problems) >= (MOST if self._good else FIRST)

    def __bool__(self) -> bool:
        return bool(self._problems)

    def check(self) -> None:
        """Raises DataError if there are faults."""
        if not self._problems:
            return
        if self._good or len(self._problems) < FIRST:
            raise DataError.from_problems(self._problems)
        first = self._problems[0]
        raise DataError(first.where, f"{first.what}; the next lines are wrong, too: is this {self._expected}?")
