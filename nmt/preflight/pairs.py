"""Pairs of a set that are worth little: blank on one side, equal on both, too long to be read."""

from __future__ import annotations

from dataclasses import dataclass, field

from nmt.errors import DataError
from nmt.io.lines import MAX_LINE_BYTES, is_blank
from nmt.preflight.files import TEST, TRAINING, VALIDATION, PairSet
from nmt.preflight.findings import Findings, Group, location, share
from nmt.preflight.reading import LinePair
from nmt.preflight.text import LineCount

# Shares that are worth a warning.
SERIOUS_BLANKS = 0.05
SERIOUS_COPIES = 0.01

_COPY_WORDS = 3  # a shorter line may well be the same in both languages: a name, a number


@dataclass
class _Occurrences:
    """A number of pairs of a set, and the file and line of the first."""

    count: LineCount = field(default_factory=LineCount)
    file: int = 0

    def add(self, pair: LinePair) -> None:
        if not self.count.lines:
            self.file = pair.file
        self.count.add(pair.source.number)


class PairCounts:
    """Counts the pairs of a set that are worth little."""

    def __init__(self, pairs: PairSet) -> None:
        self._set = pairs
        self._blank, self._copied, self._too_long = _Occurrences(), _Occurrences(), _Occurrences()
        self.read = 0

    def add(self, pair: LinePair) -> None:
        """Inspects the next pair."""
        self.read += 1
        source, target = pair.source, pair.target
        if source.too_long or target.too_long:
            self._too_long.add(pair)
        elif is_blank(source.text) or is_blank(target.text):
            self._blank.add(pair)
        elif source.text == target.text and len(source.text.split()) >= _COPY_WORDS:
            self._copied.add(pair)

    def report(self, whole: bool, copies_matter: bool, findings: Findings) -> None:
        """Adds what was found to the findings.

        Args:
            whole: the set was read to its end.
            copies_matter: equal sides are untranslated, since the languages differ.
            findings: the findings.
        """
        self._report_blank(whole, findings)
        self._report_too_long(findings)
        count = self._copied.count.lines
        if count and copies_matter:
            what = f"{share(count, self.read)} pairs of {self._set.name} are the same on both sides, first here"
            advice = "leave out what is not translated: a model learns to copy from few of them"
            findings.grade(
                count >= SERIOUS_COPIES * self.read, Group.PAIRS, "copied", self._first(self._copied), what, advice
            )

    def _first(self, pairs: _Occurrences) -> str:
        return location(self._set.files.source[pairs.file], pairs.count.first)

    def _report_blank(self, whole: bool, findings: Findings) -> None:
        count, name = self._blank.count.lines, self._set.name
        if not count and not self._too_long.count.lines:
            return
        is_training = name == TRAINING
        if whole and count + self._too_long.count.lines == self.read and name != TEST:
            where, what = (
                self._set.files.source[0],
                "no pair is left to train on: each has a side that is blank or too long",
            )
            error = (
                DataError(where, what)
                if is_training
                else DataError("data.validation", "every pair has a side that is blank or too long")
            )
            findings.error(Group.PAIRS, "nothing_left", error)
            return
        if not count:
            return
        then = "are left out" if is_training else "are scored all the same"
        what = f"{share(count, self.read)} pairs of {name} have a blank side and {then}, first here"
        serious = count > SERIOUS_BLANKS * self.read
        findings.grade(serious, Group.PAIRS, "blank", self._first(self._blank), what, "translate or remove both lines")

    def _report_too_long(self, findings: Findings) -> None:
        count, name = self._too_long.count.lines, self._set.name
        if not count:
            return
        where = self._first(self._too_long)
        what = f"{share(count, self.read)} pairs of {name} have a line of more than {MAX_LINE_BYTES:,} bytes"
        advice = "see whether something ate its line ends"
        if name == TEST:
            findings.error(Group.PAIRS, "too_long", DataError(where, f"{what}, which nmt eval refuses"), advice)
            return
        then = "count as blank" if name == VALIDATION else "are left out"
        findings.warn(Group.PAIRS, "too_long", where, f"{what}, first here; they {then}", advice)
