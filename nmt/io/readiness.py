"""Descriptors that can be read or written without waiting.

`poll` tells it on Linux, of any descriptor. macOS says of a terminal that it cannot be asked, and some of its Pythons
have no `poll`; there `select` tells. Windows can ask for sockets alone: there a file is always ready, and of anything
else nobody knows.
"""

from __future__ import annotations

import os
import select
import stat
import time

_SECONDS_BETWEEN_TRIES = 0.01


def is_readable(descriptor: int) -> bool:
    """Returns True if reading would not wait for a writer; False, too, where nobody knows."""
    found = _is_ready(descriptor, to_write=False, wait=False)
    return stat.S_ISREG(os.fstat(descriptor).st_mode) if found is None else found


def must_wait_to_read(descriptor: int) -> bool:
    """Returns True if reading would wait for a writer; False, too, where nobody knows."""
    return _is_ready(descriptor, to_write=False, wait=False) is False


def wait_to_read(descriptor: int) -> None:
    """Waits until there is something to read, or the end; where nobody knows, reading itself is to wait."""
    _is_ready(descriptor, to_write=False, wait=True)


def wait_to_write(descriptor: int) -> None:
    """Waits until a descriptor that was full takes more, or for an instant where nobody knows."""
    if _is_ready(descriptor, to_write=True, wait=True) is None:
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _is_ready(descriptor: int, *, to_write: bool, wait: bool) -> bool | None:
    """Returns None where the system cannot tell of such a descriptor."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT if to_write else select.POLLIN)
        found = poll.poll(None if wait else 0)
        if not any(events & select.POLLNVAL for _, events in found):
            return bool(found)
    asked = [descriptor]
    try:
        return any(select.select([] if to_write else asked, asked if to_write else [], [], None if wait else 0))
    except (OSError, ValueError):  # no socket; a number above those that `select` takes
        return None
