"""Pairs of a set that are worth little: blank on one side, equal on both, too long to be read."""

from __future__ import annotations

from nmt.errors import DataError
from nmt.io.lines import MAX_LINE_BYTES, is_blank
from nmt.preflight.files import TEST, TRAINING, VALIDATION, PairSet
from nmt.preflight.findings import Findings, Group, share
from nmt.preflight.reading import LinePair
from nmt.preflight.text import LineCount

# Shares that are worth a warning.
SERIOUS_BLANKS = 0.05
SERIOUS_COPIES = 0.01

_COPY_WORDS = 3  # a shorter line may well be the same in both languages: a name, a number


class PairCounts:
    """Counts the pairs of a set that are worth little."""

    def __init__(self, pairs: PairSet) -> None:
        self._set = pairs
        self._blank, self._copied, self._too_long = LineCount(), LineCount(), LineCount()
        self.read = 0

    def add(self, pair: LinePair) -> None:
        """Inspects the next pair."""
        self.read += 1
        source, target, path = pair.source, pair.target, self._set.files.source[pair.file]
        if source.too_long or target.too_long:
            self._too_long.add(path, source.number)
        elif is_blank(source.text) or is_blank(target.text):
            self._blank.add(path, source.number)
        elif source.text == target.text and len(source.text.split()) >= _COPY_WORDS:
            self._copied.add(path, source.number)

    def report(self, whole: bool, copies_matter: bool, findings: Findings) -> None:
        """Adds what was found to the findings.

        `whole` says that the set was read to its end, `copies_matter` that equal sides are untranslated.
        """
        self._report_blank(whole, findings)
        self._report_too_long(findings)
        count = self._copied.lines
        if count and copies_matter:
            what = f"{share(count, self.read)} pairs of {self._set.name} are the same on both sides, first here"
            advice = "leave out what is not translated: a model learns to copy from few of them"
            serious = count >= SERIOUS_COPIES * self.read
            findings.grade(serious, Group.PAIRS, "copied", self._copied.first, what, advice)

    def _report_blank(self, whole: bool, findings: Findings) -> None:
        count, name = self._blank.lines, self._set.name
        is_training = name == TRAINING
        if whole and name != TEST and 0 < count + self._too_long.lines == self.read:
            where = self._set.files.source[0] if is_training else "data.validation"
            pairs = "no pair is left to train on: each" if is_training else "every pair"
            error = DataError(where, f"{pairs} has a side that is blank or too long")
            findings.error(Group.PAIRS, "nothing_left", error)
        elif count:
            then = "are left out" if is_training else "are scored all the same"
            what = f"{share(count, self.read)} pairs of {name} have a blank side and {then}, first here"
            serious, advice = count > SERIOUS_BLANKS * self.read, "translate or remove both lines"
            findings.grade(serious, Group.PAIRS, "blank", self._blank.first, what, advice)

    def _report_too_long(self, findings: Findings) -> None:
        count, where, name = self._too_long.lines, self._too_long.first, self._set.name
        if not count:
            return
        what = f"{share(count, self.read)} pairs of {name} have a line of more than {MAX_LINE_BYTES:,} bytes"
        advice = "see whether something ate its line ends"
        if name == TEST:
            findings.error(Group.PAIRS, "too_long", DataError(where, f"{what}, which nmt eval refuses"), advice)
            return
        then = "count as blank" if name == VALIDATION else "are left out"
        findings.warn(Group.PAIRS, "too_long", where, f"{what}, first here; they {then}", advice)
