"""What the machine has to give: memory."""

from __future__ import annotations

import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

_PROCESS = Path("/proc/self/status")
_MACHINE = Path("/proc/meminfo")
# Of the container this process is in: the limit, what is used of it, and what that is used for.
_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))
_USES = Path("/sys/fs/cgroup/memory.stat")


def most_memory() -> int:
    """The bytes of memory that this process had at most."""
    # What `getrusage` says counts what the process had from which this one was started.
    if found := _kibibytes(_PROCESS, "VmHWM"):
        return found
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def available_memory() -> int | None:
    """The bytes of memory that may still be taken; None where the system does not say."""
    available = _kibibytes(_MACHINE, "MemAvailable")
    with suppress(OSError, ValueError):  # no such limit
        limit, used = (int(path.read_text()) for path in _CONTAINER)
        # Files that were read are kept as long as there is room for them.
        kept = re.search(r"^inactive_file (\d+)$", _USES.read_text(), re.MULTILINE)
        left = limit - used + (int(kept[1]) if kept else 0)
        available = left if available is None else min(left, available)
    return available


def _kibibytes(path: Path, name: str) -> int | None:
    """A number of that file, in bytes."""
    with suppress(OSError):
        if found := re.search(rf"^{name}:\s*(\d+) kB$", path.read_text(), re.MULTILINE):
            return int(found[1]) << 10
    return None
