"""What all documents have in common: lines to translate, and the file again with their translations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import AnyStr, NamedTuple, Protocol

from nmt.documents.marked_text import InlineMark, LeftAsItWasError, MarkedLine, check_braces, marked, unescaped
from nmt.io.lines import MAX_LINE_BYTES
from nmt.translation.result import Translation

MAX_DOCUMENT_BYTES = 1 << 25
"""Maximum size of a document that is read whole."""

_MOST_WARNINGS = 5
_LINE_END = re.compile(r"(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])")

Warn = Callable[[str], None]


def silent(_: str) -> None:
    """Warns of nothing."""


class TranslatableDocument(Protocol):
    """A document, or some rows of one."""

    @property
    def lines(self) -> list[str]:
        """The lines to translate, without their marks."""

    @property
    def attended(self) -> list[bool]:
        """For each line whether attention helps to put marks into its translation."""

    def written(self, translations: Sequence[Translation | None]) -> str:
        """Returns the document with the translations of its lines; a unit with None in place of one stays as it is."""


@dataclass
class Told:
    """Warns of units that were left as they were, of the first ones by their places, and at the end of their number."""

    warn: Warn = silent
    count: int = 0

    def left(self, place: str, why: str) -> None:
        """Tells of a unit."""
        self.count += 1
        if self.count <= _MOST_WARNINGS:
            self.warn(f"{place}: left as it was: {why}")

    def finish(self, name: str) -> None:
        """Tells how many there were, where not each was told of."""
        if self.count > _MOST_WARNINGS:
            self.warn(f"{name}: {self.count:,} units in all were left as they were")


class _Unit(NamedTuple):
    """A text of a document: what is between its lines, and its lines as they are numbered among all of the document."""

    place: str
    between: list[str]  # one more than there are lines
    lines: list[tuple[int, MarkedLine]]


class Result(NamedTuple):
    """What a unit became; `is_same` tells that no line of it changed."""

    text: str
    is_same: bool


@dataclass
class Units:
    """The texts of a document, each of one line or more.

    Attributes:
        name: of the document.
        told: told of units that stay as they were.
        lines: all lines that have anything to translate.
        attended: for each line whether it has marks.
    """

    name: str
    told: Told
    lines: list[str] = field(default_factory=list)
    attended: list[bool] = field(default_factory=list)
    _units: list[_Unit] = field(default_factory=list)

    def add(
        self,
        parts: Sequence[str | InlineMark],
        line_number: int,
        escape: Callable[[str], str] = unescaped,
        *,
        breaks: bool = True,
    ) -> int | None:
        """Adds a text, and returns its number; None if there is nothing to translate in it.

        Args:
            parts: texts as one reads them, and marks between them.
            line_number: of the document, where it begins.
            escape: writes a text as the format has it.
            breaks: True where a line break ends what belongs together; otherwise it is white space.
        """
        place = f"{self.name}:{line_number}"
        between, lines = list[str](), list[tuple[int, MarkedLine]]()
        made: list[MarkedLine] = []
        gathered: list[str] = []  # since the last line
        try:
            check_braces(parts)  # which may be on several lines
            for piece in _lines(parts) if breaks else iter([list(parts)]):
                if isinstance(piece, str):
                    gathered.append(escape(piece))
                    continue
                line = marked(piece, escape)
                if not line.line:
                    gathered.append(line.written_alone())
                    continue
                if len(line.line) > MAX_LINE_BYTES:
                    raise LeftAsItWasError(f"a line of it is longer than {MAX_LINE_BYTES} characters")
                made.append(line)
                between.append("".join(gathered))
                gathered = []
        except LeftAsItWasError as error:
            self.told.left(place, str(error))
            return None
        if not made:
            return None
        between.append("".join(gathered))
        for line in made:
            lines.append((len(self.lines), line))
            self.lines.append(line.line)
            self.attended.append(line.has_marks)
        self._units.append(_Unit(place, between, lines))
        return len(self._units) - 1

    def result(self, unit: int, translations: Sequence[Translation | None]) -> Result | None:
        """Returns what a unit became; None if it stays as it was."""
        place, between, lines = self._units[unit]
        parts, is_same = [between[0]], True
        try:
            for (number, line), following in zip(lines, between[1:], strict=True):
                translation = translations[number]
                if translation is None:
                    return None
                is_same = is_same and translation.text == line.line
                parts += [line.written(translation), following]
        except LeftAsItWasError as error:
            self.told.left(place, str(error))
            return None
        return Result("".join(parts), is_same)


class DocumentOfUnits:
    """A document whose lines are those of its units, `_units`."""

    _units: Units

    @property
    def lines(self) -> list[str]:
        """The lines to translate."""
        return self._units.lines

    @property
    def attended(self) -> list[bool]:
        """For each line whether there are marks in it."""
        return self._units.attended


def _lines(parts: Sequence[str | InlineMark]) -> Iterator[str | list[str | InlineMark]]:
    """Yields the lines of a text, and as a text what stands between them."""
    line: list[str | InlineMark] = []
    for part in parts:
        if isinstance(part, InlineMark):
            line.append(part)
            continue
        for place, piece in enumerate(_LINE_END.split(part)):
            if place % 2:
                if line:
                    yield line
                    line = []
                yield piece
            elif piece:
                line.append(piece)
    if line:
        yield line


class TextEdit(NamedTuple):
    """A part of a text, and what takes its place."""

    start: int
    stop: int
    text: str


def edited(text: AnyStr, edits: Iterable[tuple[int, int, AnyStr]]) -> AnyStr:
    """Returns a text, or its bytes, with edits, which are ascending and do not overlap."""
    parts, position = [], 0
    for start, stop, new in edits:
        parts += [text[position:start], new]
        position = stop
    parts.append(text[position:])
    return text[:0].join(parts)
