"""Findings of a check, with their severity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nmt.errors import NmtError


class Severity(StrEnum):
    """The consequence of a finding: training (or `nmt eval` after it) would fail; it would disappoint; neither."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Group(StrEnum):
    """The subject of a finding, in the order in which a training would come upon it."""

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
    """A finding."""

    severity: Severity  # its consequence
    group: Group  # its subject
    kind: str  # a name for programs, which stays the same when the wording changes
    where: str  # a file, a line of a file, or a key; may be empty
    what: str  # the observation
    advice: str = ""  # a remedy; empty where there is nothing to do
    exit_code: int | None = None  # exit code that training would end with; None unless it is an error

    def to_json(self) -> dict[str, Any]:
        """Returns the finding as JSON values."""
        values = {name: str(getattr(self, name)) for name in ("severity", "group", "kind", "where", "what", "advice")}
        return values if self.exit_code is None else {**values, "exit_code": self.exit_code}


class Findings:
    """A collection of findings."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def error(self, group: Group, kind: str, error: NmtError, advice: str = "") -> None:
        """Adds an error that training would end with: one finding for each of its problems."""
        for one in error.problems:
            self._found.append(Finding(Severity.ERROR, group, kind, one.where, one.what, advice, error.exit_code))

    def warn(self, group: Group, kind: str, where: str, what: str, advice: str = "") -> None:
        """Adds a warning: training would take it, and be the worse for it."""
        self._found.append(Finding(Severity.WARNING, group, kind, where, what, advice))

    def inform(self, group: Group, kind: str, where: str, what: str, advice: str = "") -> None:
        """Adds information that is good to know."""
        self._found.append(Finding(Severity.INFORMATION, group, kind, where, what, advice))

    def grade(self, serious: bool, group: Group, kind: str, where: str, what: str, advice: str = "") -> None:
        """Adds a warning if it is serious, or else information, without the advice."""
        if serious:
            self.warn(group, kind, where, what, advice)
        else:
            self.inform(group, kind, where, what)

    @contextmanager
    def catching(self, group: Group, kind: str, *errors: type[NmtError]) -> Iterator[None]:
        """Turns errors of these types that the body raises into findings."""
        try:
            yield
        except errors as error:
            self.error(group, kind, error)

    def has(self, kind: str) -> bool:
        """Returns whether there is a finding of a kind."""
        return any(finding.kind == kind for finding in self._found)

    @property
    def errors(self) -> bool:
        """True if training would fail."""
        return any(finding.severity == Severity.ERROR for finding in self._found)

    def sorted(self) -> list[Finding]:
        """Returns the findings by group, within a group in the order in which they were added."""
        order = list(Group)
        return sorted(self._found, key=lambda finding: order.index(finding.group))


def exit_code(findings: Sequence[Finding]) -> int:
    """Returns the exit code that training would end with: that of the first error, 0 if there is none."""
    return next((finding.exit_code for finding in findings if finding.exit_code is not None), 0)


def share(count: int, total: int) -> str:
    """Formats a count beside its total: `12 of 4,000 (0.3 %)`."""
    percent = 100 * count / total if total else 0.0
    shown = f"{percent:.1f}" if percent >= 0.1 or not count else "under 0.1"
    return f"{count:,} of {total:,} ({shown} %)"
