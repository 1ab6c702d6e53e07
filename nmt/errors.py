"""The errors that a user can cause or meet, each with the exit code that a script can rely on.

Every error names a place (`where`: a file, a line of it, a key) and what is wrong there (`what`). Several mistakes
found together are raised together, so that a user can correct them all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Problem:
    """A mistake: its place, and what is wrong there."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class NmtError(Exception):
    """An error with a message for the user and an exit code for the caller; the base of all others here."""

    exit_code = 70

    def __init__(self, where: str, what: str) -> None:
        self.problems: tuple[Problem, ...] = (Problem(where, what),)
        super().__init__(str(self.problems[0]))

    @classmethod
    def from_problems(cls, problems: Sequence[Problem]) -> Self:
        """Makes one error of several mistakes found together (at least one)."""
        error = cls(problems[0].where, problems[0].what)
        error.problems = tuple(problems)
        error.args = ("\n".join(map(str, problems)),)
        return error

    def as_json(self) -> dict[str, Any]:
        """Describes this error in what JSON can hold, for `error_from_json` in another process."""
        problems = [[problem.where, problem.what] for problem in self.problems]
        return {"kind": type(self).__name__, "exit_code": self.exit_code, "problems": problems}

    def __reduce__(self) -> tuple[Any, ...]:
        # An error of another process arrives as it was raised there, not as the arguments that an exception keeps.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[NmtError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> NmtError:
    """Makes an error of what was pickled of it."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    return error


class ConfigError(NmtError):
    """Wrong usage, or a configuration that cannot be used."""

    exit_code = 2


class ModelError(NmtError):
    """A model or checkpoint that is missing, cannot be read, does not fit, or gives scores that are not finite."""

    exit_code = 4


class UnreadableError(ModelError):
    """A part of a model that is there, and may be whole, but cannot be read: permission is lacking, or it is a link."""


class StorageError(NmtError):
    """A disk that is full, or a path that cannot be written."""

    exit_code = 5


class NonFiniteError(NmtError):
    """The loss or its gradient became NaN or infinite."""

    exit_code = 6


class MemoryExhaustedError(NmtError):
    """Out of memory, on the processor or on the device."""

    exit_code = 7


class DataError(NmtError):
    """Bad data: line counts that differ, an empty corpus."""

    exit_code = 65


class InputFileError(NmtError):
    """An input file that is missing or cannot be read."""

    exit_code = 66


class DeviceError(NmtError):
    """A device that is not there."""

    exit_code = 69


class RunInUseError(NmtError):
    """Another process is writing to this run directory."""

    exit_code = 75


class AddressInUseError(NmtError):
    """Another process is listening at this address."""

    exit_code = 75


class StoppedError(NmtError):
    """A signal asked the training to stop, and its state is saved.

    Its exit code is 128 plus the signal's number: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, where: str, what: str, signal_number: int) -> None:
        super().__init__(where, what)
        self.exit_code = 128 + signal_number


_KINDS: dict[str, type[NmtError]] = {
    name: kind for name, kind in globals().items() if isinstance(kind, type) and issubclass(kind, NmtError)
}


def error_from_json(described: dict[str, Any]) -> NmtError:
    """Returns the error that `NmtError.as_json` described."""
    problems = tuple(Problem(*problem) for problem in described["problems"])
    attributes = {"problems": problems, "exit_code": described["exit_code"]}
    return _restored(_KINDS[described["kind"]], ("\n".join(map(str, problems)),), attributes)
