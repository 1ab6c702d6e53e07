"""Lines of text: from bytes to lines of input, and from a text to a line of output.

A line ends at `\\n` and nowhere else; one `\\r` directly before it is dropped. What follows the last `\\n` is a line
too, unless it is empty. Everything else in a line, U+2028, form feed, NUL or a byte order mark, is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

MAX_LINE_BYTES = 1 << 20
"""Maximum length of a line that is read, in bytes without its end."""

BYTE_ORDER_MARK = "\ufeff"

_INVALID = "invalid UTF-8, replaced by U+FFFD"
_MOST_WARNINGS = 5
_HELD_BYTES = 1 << 22

_LINE_BREAKS = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


class Line(NamedTuple):
    """A line of input."""

    number: int  # counted from 1
    text: str  # without the end of the line
    too_long: bool = False  # True for a line of more bytes than are read, whose text is empty
    mended: bool = False  # True for a line of invalid UTF-8, whose text holds U+FFFD instead

    @property
    def unmarked(self) -> str:
        """The text without the byte order mark that the first line of a file may begin with."""
        return self.text.removeprefix(BYTE_ORDER_MARK) if self.number == 1 else self.text


class ByteStream(Protocol):
    """A source of bytes, such as `nmt.io.streams.InputStream`."""

    @property
    def name(self) -> str: ...

    def read(self) -> bytes:
        """Returns the next bytes, 1 to `MAX_LINE_BYTES`; `b""` at the end."""

    def is_ready(self) -> bool:
        """Returns whether `read` would return without waiting."""


def is_blank(text: str) -> bool:
    """Returns whether `text` consists of white space and U+FEFF alone."""
    return not text.replace("\ufeff", "").strip()


def output_line(text: str) -> str:
    """Returns `text` as one line: each of `\\n \\r \\v \\f \\x1c \\x1d \\x1e \\x85 U+2028 U+2029` becomes a space.

    A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
    """
    return without_surrogates(_LINE_BREAKS.sub(" ", text))


def without_surrogates(text: str) -> str:
    """Returns `text` with U+FFFD for each lone surrogate, which no encoding of Unicode can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def ready_lines(
    stream: ByteStream, warn: Callable[[str], None], most: int, *, first: int = 1, max_bytes: int = MAX_LINE_BYTES
) -> Iterator[list[Line]]:
    """Yields the lines of `stream`, in order, in lists of 1 to `most`.

    A list is yielded as soon as no more input waits to be read, so a line from a terminal or a slow pipe is answered at
    once, while a file or a full pipe yields full lists (shorter only where they would hold more than some megabytes).
    Memory is bounded whatever the input holds. Invalid UTF-8 becomes U+FFFD.

    Args:
        stream: the bytes.
        warn: receives a warning for each line with invalid UTF-8, naming stream and line, up to five, then one with the
            number of further such lines; and the same for lines that are too long.
        most: maximum number of lines in a list.
        first: number of the first line.
        max_bytes: maximum length of a line that is read, at least `MAX_LINE_BYTES`.
    """
    splitter = _LineSplitter(stream.name, warn, first, max_bytes)
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
    """Splits blocks of bytes into lines, whole runs of them at once, and warns of lines that it had to mend."""

    def __init__(self, name: str, warn: Callable[[str], None], first: int, max_bytes: int) -> None:
        self._name = name
        self._max_bytes = max_bytes
        self._too_long = f"longer than {max_bytes} bytes, skipped"
        self._warn = warn
        self._finished = first - 1  # number of the last line that ended
        self._tail = bytearray()
        self._skipping = False
        self._faulty = {_INVALID: 0, self._too_long: 0}  # numbers of lines

    def feed(self, block: bytes) -> list[Line]:
        """Returns the lines that end in `block`."""
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
        """Returns the unfinished last line, if there is one, and gives the last warnings."""
        lines = [self._end_tail(ended=False)] if self._tail or self._skipping else []
        for fault, count in self._faulty.items():
            if count > _MOST_WARNINGS:
                which = f"with {fault}" if fault == _INVALID else fault
                self._warn(f"{self._name}: {count - _MOST_WARNINGS} further lines {which}")
        return lines

    def _extend_tail(self, part: bytes) -> None:
        # One byte more than a line may have, since it could be a `\r` that is dropped.
        if self._skipping or len(self._tail) + len(part) > self._max_bytes + 1:
            self._skipping = True
            self._tail.clear()
        else:
            self._tail += part

    def _end_tail(self, *, ended: bool) -> Line:
        raw = bytes(self._tail.removesuffix(b"\r") if ended else self._tail)
        too_long = self._skipping or len(raw) > self._max_bytes
        self._skipping = False
        self._tail.clear()
        self._finished += 1
        if too_long:
            self._warn_of(self._finished, self._too_long)
            return Line(self._finished, "", too_long=True)
        return self._line(self._finished, raw)

    def _short_lines(self, run: bytes) -> list[Line]:
        """Splits `run`, which lacks its last `\\n`, into lines; none is too long, since no block is."""
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
            self._warn_of(number, _INVALID)
            return Line(number, raw.decode(errors="replace"), mended=True)

    def _warn_of(self, number: int, fault: str) -> None:
        self._faulty[fault] += 1
        if self._faulty[fault] <= _MOST_WARNINGS:
            self._warn(f"{self._name}:{number}: {fault}")
