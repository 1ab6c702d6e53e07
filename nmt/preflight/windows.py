"""Windows: runs of lines from all over a file, read without what lies between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple, Self

import numpy as np

from nmt.corpus.parallel import Mark
from nmt.io.compression import compression_of
from nmt.io.lines import Line, ready_lines
from nmt.io.streams import InputStream, open_input

BLOCK_PAIRS = 50
"""Number of neighbouring pairs that a sample takes together."""

WINDOW_LINES = 2000
_LINES_AT_ONCE = 4096
_LINE_FEED = 10


class Window(NamedTuple):
    """A run of lines of a file."""

    first: int  # number of its first line, counted from 1
    lines: int


def spread(lines: int, most: int) -> list[Window]:
    """Spreads windows of about `most` lines evenly over a file, from its first line to its last.

    Each begins where a block of the sample does (`nmt.preflight.reservoir`). Of a file with fewer lines, all are one.
    """
    if lines <= most:
        return [Window(1, lines)]
    count = max(2, most // WINDOW_LINES)
    size = max(1, most // count // BLOCK_PAIRS) * BLOCK_PAIRS
    starts = [number * (lines - size) // (count - 1) // BLOCK_PAIRS * BLOCK_PAIRS for number in range(count)]
    found = [Window(start + 1, size) for start in dict.fromkeys(starts)]
    return [*found[:-1], Window(found[-1].first, lines - found[-1].first + 1)]


class WindowedFile:
    """The lines of a file, window by window; as a context manager, closes it.

    What lies before a window is passed over undecoded, and of a file that is not compressed even unread, by its marks.
    """

    def __init__(self, path: str, marks: Sequence[Mark]) -> None:
        self.name = path
        self._marks = marks if compression_of(path) is None else ()
        self._resources = ExitStack()
        self._stream: InputStream | None = None
        self._passed = 0  # line feeds before `_rest`
        self._rest = b""
        self._wanted = 0  # line feeds of the window that were not read

    def lines(self, window: Window) -> Iterator[Line]:
        """Yields the lines of a window that begins after what was read before."""
        self._move(window.first - 1)
        self._wanted = window.lines
        for lines in ready_lines(self, _ignore, _LINES_AT_ONCE, first=window.first):
            yield from lines

    def read(self) -> bytes:
        """Returns the next bytes of the window; `b""` at its end."""
        if not self._wanted:
            return b""
        block = self._take() or b""
        feeds = block.count(b"\n")
        if feeds >= self._wanted:
            end = _place(block, self._wanted)
            block, self._rest, feeds = block[:end], block[end:], self._wanted
        self._wanted -= feeds
        self._passed += feeds
        return block

    def is_ready(self) -> bool:
        """Returns True: a file never waits."""
        return True

    def _move(self, feeds: int) -> None:
        """Moves to the byte behind so many line feeds."""
        number = bisect_left(self._marks, (feeds, 0)) - 1  # before the line feed, and so before what follows it
        if number >= 0 and (self._stream is None or self._marks[number].lines > self._passed):
            mark = self._marks[number]
            self._resources.close()
            self._stream = self._resources.enter_context(open_input(self.name, mark.offset))
            self._passed, self._rest = mark.lines, b""
        while self._passed < feeds and (block := self._take()):
            found = min(block.count(b"\n"), feeds - self._passed)
            self._passed += found
            if self._passed == feeds:
                self._rest = block[_place(block, found) :]

    def _take(self) -> bytes:
        rest, self._rest = self._rest, b""
        if rest:
            return rest
        if self._stream is None:
            self._stream = self._resources.enter_context(open_input(self.name))
        return self._stream.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()


def _place(block: bytes, feeds: int) -> int:
    """Returns where what follows the given number of line feeds, one at least, begins."""
    return int(np.flatnonzero(np.frombuffer(block, np.uint8) == _LINE_FEED)[feeds - 1]) + 1


def _ignore(_: str) -> None:
    """Drops a warning; the checks of the lines report the same."""
