"""What a check found, and how grave it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nmt.errors import NmtError


class Severity(StrEnum):
    """What will come of it: training (or `nmt eval` after it) would fail; it would disappoint; neither."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Group(StrEnum):
    """What a finding is about, in the order in which a training would come upon it."""

    RUN = "run directory"
    DEVICE = "device"
    FILES = "files"
    TEXT = "text"
    PAIRS = "pairs"
    OVERLAP = "overlap"
    TOKENS = "tokens"
    TRAINING = "training"


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        severity: how grave it is.
        group: what it is about.
        kind: a name for programs, which stays the same while words may change.
        where: a file, a line of it, a key; may be empty.
        what: what is there.
        advice: what to do; empty where there is nothing to do.
        exit_code: of an error, the code that training would end with.
    """

    severity: Severity
    group: Group
    kind: str
    where: str
    what: str
    advice: str = ""
    exit_code: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        values = {name: str(getattr(self, name)) for name in ("severity", "group", "kind", "where", "what", "advice")}
        return values if self.exit_code is None else {**values, "exit_code": self.exit_code}


class Findings:
    """Gathers what is found."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def error(self, group: Group, kind: str, error: NmtError, advice: str = "") -> None:
        """What training would end with: one finding for each of its problems."""
        for problem in error.problems:
            self._found.append(
                Finding(Severity.ERROR, group, kind, problem.where, problem.what, advice, error.exit_code)
            )

    def warn(self, group: Group, kind: str, where: str, what: str, advice: str = "") -> None:
        """What training would put up with, and be the worse for."""
        self._found.append(Finding(Severity.WARNING, group, kind, where, what, advice))

    def inform(self, group: Group, kind: str, where: str, what: str, advice: str = "") -> None:
        """What is good to know."""
        self._found.append(Finding(Severity.INFORMATION, group, kind, where, what, advice))

    def grade(self, serious: bool, group: Group, kind: str, where: str, what: str, advice: str = "") -> None:
        """A warning where it is serious, and information, which asks for nothing to be done, where not."""
        if serious:
            self.warn(group, kind, where, what, advice)
        else:
            self.inform(group, kind, where, what)

    @contextmanager
    def catching(self, group: Group, kind: str, *errors: type[NmtError]) -> Iterator[None]:
        """Makes findings of such errors that the body raises."""
        try:
            yield
        except errors as error:
            self.error(group, kind, error)

    def has(self, kind: str) -> bool:
        """Whether anything of a kind was found."""
        return any(finding.kind == kind for finding in self._found)

    @property
    def errors(self) -> bool:
        """Whether training would fail."""
        return any(finding.severity == Severity.ERROR for finding in self._found)

    def sorted(self) -> list[Finding]:
        """All of them by group, those of a group in the order in which they were found."""
        order = list(Group)
        return sorted(self._found, key=lambda finding: order.index(finding.group))


def exit_code(findings: Sequence[Finding]) -> int:
    """The code that training would end with: that of the first error, 0 where there is none."""
    return next((finding.exit_code for finding in findings if finding.exit_code is not None), 0)


def share(count: int, total: int) -> str:
    """A count beside its total: `12 of 4,000 (0.3 %)`."""
    percent = 100 * count / total if total else 0.0
    shown = f"{percent:.1f}" if percent >= 0.1 or not count else "under 0.1"
    return f"{count:,} of {total:,} ({shown} %)"


def place(path: str | Path, line: int) -> str:
    """A line of a file."""
    return f"{path}:{line}"
