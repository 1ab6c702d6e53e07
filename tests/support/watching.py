"""Whether a file was opened, by whatever code of whatever process: told by the kernel (inotify)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_OPENED, _NONBLOCKING = 0x20, os.O_NONBLOCK
_EVENT = struct.Struct("iIII")
_BLOCK = 1 << 16


class Watch:
    """What was opened of the files that are watched."""

    def __init__(self, descriptor: int, paths: dict[int, Path]) -> None:
        self._descriptor = descriptor
        self._paths = paths

    def opened(self) -> set[Path]:
        """The files that were opened since the last call."""
        found = set()
        while True:
            try:
                block = os.read(self._descriptor, _BLOCK)
            except BlockingIOError:
                return found
            place = 0
            while place < len(block):
                watch, _, _, length = _EVENT.unpack_from(block, place)
                found.add(self._paths[watch])
                place += _EVENT.size + length


@contextmanager
def watching(paths: Sequence[Path]) -> Iterator[Watch]:
    """Watches files (of a folder: also whatever is in it directly) as long as the `with` block lasts.

    Raises OSError where the system cannot.
    """
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.inotify_init1(_NONBLOCKING)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    try:
        watches = {}
        for path in paths:
            watch = library.inotify_add_watch(descriptor, os.fsencode(path), _OPENED)
            if watch < 0:
                raise OSError(ctypes.get_errno(), str(path))
            watches[watch] = path
        yield Watch(descriptor, watches)
    finally:
        os.close(descriptor)
