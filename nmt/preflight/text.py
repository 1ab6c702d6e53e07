"""Faults in the text of a file, line by line: of its encoding above all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nmt.corpus.mending import decoded_twice
from nmt.io.lines import BYTE_ORDER_MARK, Line
from nmt.io.streams import open_input
from nmt.preflight.encodings import NEARLY_ALL, how_to_convert
from nmt.preflight.findings import Findings, Group, share

# All controls but the tab; a carriage return at the end of a line is not part of it.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# More than one line in so many is no accident.
LINES_FOR_ONE_ACCIDENT = 1000

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class LineCount:
    """A number of lines, and the place of the first of them."""

    lines: int = 0
    first: str = ""

    def add(self, path: str, number: int) -> None:
        """Counts a line."""
        self.first = self.first or f"{path}:{number}"
        self.lines += 1


@dataclass
class FileText:
    """Counts the faults in the lines of one file, whose text is in a language."""

    path: str
    language: str
    lines: int = 0
    not_ascii: int = 0  # of them
    has_mark: bool = False
    first_control: str = ""
    invalid: LineCount = field(default_factory=LineCount)
    replaced: LineCount = field(default_factory=LineCount)
    control: LineCount = field(default_factory=LineCount)
    encoded_twice: LineCount = field(default_factory=LineCount)

    def add(self, line: Line) -> None:
        """Inspects the next line."""
        self.lines += 1
        text = line.text
        if text.isascii() and text.isprintable():
            return
        self.not_ascii += not text.isascii()
        if line.mended:
            self.invalid.add(self.path, line.number)
        elif "\ufffd" in text:
            self.replaced.add(self.path, line.number)
        if found := _CONTROL.search(text):
            self.control.add(self.path, line.number)
            self.first_control = self.first_control or f"U+{ord(found[0]):04X}"
        if decoded_twice(text) != text:
            self.encoded_twice.add(self.path, line.number)
        if line.number == 1 and text.startswith(BYTE_ORDER_MARK):
            self.has_mark = True

    def report(self, findings: Findings) -> None:
        """Adds what was found to the findings."""
        if self.invalid.lines and _begins_as_utf_16(self.path):
            what = "looks like UTF-16, and is read as UTF-8"
            findings.warn(Group.TEXT, "utf_16", self.path, what, "convert it: iconv -f UTF-16 -t UTF-8")
            return
        if self.invalid.lines:
            what = f"{self._share(self.invalid)} invalid UTF-8, first here; training reads U+FFFD in its place"
            advice = self._advice(self.invalid, how_to_convert([self.language]))
            findings.warn(Group.TEXT, "invalid_utf8", self.invalid.first, what, advice)
        if self.has_mark:
            what = "begins with a byte order mark, which training takes for text"
            advice = "remove it: sed '1s/^\\xEF\\xBB\\xBF//'"
            findings.warn(Group.TEXT, "byte_order_mark", f"{self.path}:1", what, advice)
        self._grade(self.replaced, findings, "replaced", "U+FFFD, what an earlier conversion could not read")
        self._grade(self.control, findings, "control_characters", f"control characters, such as {self.first_control}")
        what = "text such as “Ã©” in place of “é”: UTF-8 that was read as another encoding and encoded again"
        advice = self._advice(self.encoded_twice, "`nmt prepare` with --clean safe mends it")
        self._grade(self.encoded_twice, findings, "encoded_twice", what, advice)

    def _grade(self, count: LineCount, findings: Findings, kind: str, what: str, advice: str = "") -> None:
        if count.lines:
            serious = count.lines * LINES_FOR_ONE_ACCIDENT > self.lines
            what = f"{self._share(count)} {what}, first here"
            findings.grade(serious, Group.TEXT, kind, count.first, what, advice)

    def _advice(self, count: LineCount, convert: str) -> str:
        """Advises to convert the file, unless that would spoil correct lines."""
        if count.lines > NEARLY_ALL * self.not_ascii:
            return convert
        return "mend these lines or leave them out; the others are UTF-8 already"

    def _share(self, count: LineCount) -> str:
        return f"{share(count.lines, self.lines)} lines hold"


def _begins_as_utf_16(path: str) -> bool:
    with open_input(path) as stream:
        return stream.read()[:2] in _UTF_16
