"""What a line of text is: how bytes become lines, and how a text becomes one line of output.

A line ends at `\\n` and nowhere else; one `\\r` directly before it is dropped. What follows the last `\\n` is a line
too, unless it is empty. Everything else a line may hold, U+2028, form feed, NUL or a byte order mark, is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

MAX_LINE_BYTES = 1 << 20
"""Bytes of the longest line that is read, its end not counted."""

_MOST_WARNINGS = 5
_HELD_BYTES = 1 << 22

_LINE_BREAKS = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


class Line(NamedTuple):
    """One line of input.

    Attributes:
        number: counts from 1.
        text: without the line's end.
        too_long: it has more than `MAX_LINE_BYTES`, and its text was not read and is empty.
        mended: it was no UTF-8, and its text holds U+FFFD instead.
    """

    number: int
    text: str
    too_long: bool = False
    mended: bool = False


class ByteStream(Protocol):
    """Where lines come from; `nmt.io.streams.InputStream` is one."""

    @property
    def name(self) -> str: ...

    def read(self) -> bytes:
        """The next bytes, 1 to `MAX_LINE_BYTES`; `b""` at the end."""
        ...

    def is_ready(self) -> bool:
        """Whether `read` would answer without waiting."""
        ...


def is_blank(text: str) -> bool:
    """Whether white space and U+FEFF are all that `text` has."""
    return not text.replace("\ufeff", "").strip()


def output_line(text: str) -> str:
    """`text` as one line: each of `\\n \\r \\v \\f \\x1c \\x1d \\x1e \\x85 U+2028 U+2029` becomes a space.

    A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
    """
    return without_surrogates(_LINE_BREAKS.sub(" ", text))


def without_surrogates(text: str) -> str:
    """`text` with each lone surrogate (no encoding of Unicode can hold one) replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def ready_lines(stream: ByteStream, warn: Callable[[str], None], most: int) -> Iterator[list[Line]]:
    """The lines of `stream`, in order, in lists of 1 to `most`.

    A list is given as soon as no more input waits to be read, so a line from a terminal or a slow pipe is answered at
    once, while a file or a full pipe gives full lists (shorter only where they would hold more than some megabytes).
    Memory is bounded whatever the input holds.

    Invalid UTF-8 becomes U+FFFD. `warn` is given one message for each line that held it, naming stream and line, up to
    five, then one with the number of further such lines; and the same for lines that are too long.
    """
    splitter = _LineSplitter(stream.name, warn)
    gathered: list[Line] = []
    held_bytes = 0
    while block := stream.read():
        gathered += splitter.feed(block)
        held_bytes += len(block)
        full = len(gathered) - len(gathered) % most
        for start in range(0, full, most):
            yield gathered[start : start + most]
        if full:
            gathered = gathered[full:]
            held_bytes = 0
        if gathered and (held_bytes > _HELD_BYTES or not stream.is_ready()):
            yield gathered
            gathered = []
            held_bytes = 0
    gathered += splitter.finish()
    for start in range(0, len(gathered), most):
        yield gathered[start : start + most]


class _LineSplitter:
    """Cuts blocks of bytes into lines, whole runs of them at once, and warns of what it had to mend."""

    def __init__(self, name: str, warn: Callable[[str], None]) -> None:
        self._name = name
        self._warn = warn
        self._finished = 0
        self._tail = bytearray()
        self._skipping = False
        self._invalid = 0
        self._too_long = 0

    def feed(self, block: bytes) -> list[Line]:
        """The lines that end in `block`."""
        assert len(block) <= MAX_LINE_BYTES
        first_end = block.find(b"\n")
        if first_end < 0:
            self._extend_tail(block)
            return []
        last_end = block.rfind(b"\n")
        self._extend_tail(block[:first_end])
        lines = [self._end_tail(ended=True)]
        if last_end > first_end:
            lines += self._short_lines(block[first_end + 1 : last_end])
        self._extend_tail(block[last_end + 1 :])
        return lines

    def finish(self) -> list[Line]:
        """The line that the end of the input ended, if any; and the last warnings, if any are due."""
        lines = [self._end_tail(ended=False)] if self._tail or self._skipping else []
        if self._invalid > _MOST_WARNINGS:
            further = self._invalid - _MOST_WARNINGS
            self._warn(f"{self._name}: {further} further lines with invalid UTF-8, replaced by U+FFFD")
        if self._too_long > _MOST_WARNINGS:
            further = self._too_long - _MOST_WARNINGS
            self._warn(f"{self._name}: {further} further lines longer than {MAX_LINE_BYTES} bytes, skipped")
        return lines

    def _extend_tail(self, part: bytes) -> None:
        # One byte more than a line may have: it could be a `\r` that is dropped.
        if self._skipping or len(self._tail) + len(part) > MAX_LINE_BYTES + 1:
            self._skipping = True
            self._tail.clear()
        else:
            self._tail += part

    def _end_tail(self, *, ended: bool) -> Line:
        raw = bytes(self._tail.removesuffix(b"\r") if ended else self._tail)
        too_long = self._skipping or len(raw) > MAX_LINE_BYTES
        self._skipping = False
        self._tail.clear()
        self._finished += 1
        if too_long:
            self._too_long += 1
            if self._too_long <= _MOST_WARNINGS:
                self._warn(f"{self._name}:{self._finished}: longer than {MAX_LINE_BYTES} bytes, skipped")
            return Line(self._finished, "", too_long=True)
        return self._line(self._finished, raw)

    def _short_lines(self, run: bytes) -> list[Line]:
        """The lines of `run`, whose last `\\n` is left out; none is too long, since no block is."""
        start = self._finished + 1
        try:
            texts = run.decode().split("\n")
        except UnicodeDecodeError:
            lines = [self._line(number, raw.removesuffix(b"\r")) for number, raw in enumerate(run.split(b"\n"), start)]
        else:
            if b"\r" in run:
                texts = [text.removesuffix("\r") for text in texts]
            lines = [Line(number, text) for number, text in enumerate(texts, start)]
        self._finished += len(lines)
        return lines

    def _line(self, number: int, raw: bytes) -> Line:
        try:
            return Line(number, raw.decode())
        except UnicodeDecodeError:
            self._invalid += 1
            if self._invalid <= _MOST_WARNINGS:
                self._warn(f"{self._name}:{number}: invalid UTF-8, replaced by U+FFFD")
            return Line(number, raw.decode(errors="replace"), mended=True)
