"""The report on cleaning: the pairs kept and left out of a corpus, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

EXAMPLES = 5  # number of places remembered for each reason


class Reason(StrEnum):
    """The reason why a pair is left out."""

    BLANK = "one side is blank"
    LONG_LINE = "a line has too many bytes"
    LENGTH = "more tokens than data.max_length"
    RATIO = "token lengths differ by more than data.max_length_ratio"
    DUPLICATE = "the same pair came before"


class Place(NamedTuple):
    """A line of a file; lines are counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class LeftOut:
    """The pairs left out for one reason: their number, and the places of the first few in the source files."""

    reason: Reason
    count: int
    examples: tuple[Place, ...]

    def __str__(self) -> str:
        places = ", ".join(map(str, self.examples))
        more = ", …" if self.count > len(self.examples) else ""
        return f"{self.count:,} left out: {self.reason} ({places}{more})"


@dataclass(frozen=True)
class Report:
    """The numbers of pairs of a corpus that were read, kept and left out."""

    read: int
    kept: int
    left_out: tuple[LeftOut, ...]
    by_file: tuple[int, ...] = ()  # those kept of each source file; an earlier version did not count them

    def lines(self) -> list[str]:
        """Returns the report as lines for a log."""
        return [f"{self.read:,} pairs read, {self.kept:,} kept", *map(str, self.left_out)]

    def to_json(self) -> dict[str, Any]:
        """Returns the report as JSON values."""
        left_out = [
            {"reason": item.reason.name, "count": item.count, "examples": [list(place) for place in item.examples]}
            for item in self.left_out
        ]
        return {"read": self.read, "kept": self.kept, "left_out": left_out, "by_file": list(self.by_file)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Restores the report from the value that `to_json` returned.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: it is not such a value.
        """
        left_out = []
        for item in value["left_out"]:
            examples = tuple(Place(str(file), int(line)) for file, line in item["examples"])
            left_out.append(LeftOut(Reason[item["reason"]], int(item["count"]), examples))
        read, kept = int(value["read"]), int(value["kept"])
        return cls(read, kept, tuple(left_out), tuple(map(int, value.get("by_file", [kept]))))


class Tally:
    """Counts the pairs that are left out while a corpus is read, and those that are kept of each of its files."""

    def __init__(self, files: int) -> None:
        self.read = 0
        self.by_file = [0] * files
        self._counts = dict.fromkeys(Reason, 0)
        self._examples: dict[Reason, list[Place]] = {reason: [] for reason in Reason}

    def leave_out(self, reason: Reason, place: Place) -> None:
        """Counts a pair that is left out."""
        self._counts[reason] += 1
        if len(self._examples[reason]) < EXAMPLES:
            self._examples[reason].append(place)

    def report(self) -> Report:
        """Returns the report on the pairs counted so far."""
        left_out = tuple(
            LeftOut(reason, count, tuple(self._examples[reason])) for reason, count in self._counts.items() if count
        )
        kept = self.read - sum(self._counts.values())
        return Report(self.read, kept, left_out, tuple(self.by_file))
