"""Memory of this process and of the machine."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

_PROCESS = Path("/proc/self/status")
_MACHINE = Path("/proc/meminfo")
# Of the container of this process: the limit, the memory in use, and its uses.
_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))
_USES = Path("/sys/fs/cgroup/memory.stat")


def peak_memory() -> int | None:
    """Returns the peak memory of this process, in bytes; None if that is unknown."""
    # `getrusage` includes the memory of the process that started this one.
    if found := _kibibytes(_PROCESS, "VmHWM"):
        return found
    try:
        import resource
    except ImportError:  # on Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def available_memory() -> int | None:
    """Returns the bytes of memory that are still available; None if that is unknown."""
    available = _kibibytes(_MACHINE, "MemAvailable")
    with suppress(OSError, ValueError):  # no such limit
        limit, used = (int(path.read_text()) for path in _CONTAINER)
        # Files that were read stay in memory until it is needed.
        kept = re.search(r"^inactive_file (\d+)$", _USES.read_text(), re.MULTILINE)
        left = limit - used + (int(kept[1]) if kept else 0)
        available = left if available is None else min(left, available)
    return available


def _kibibytes(path: Path, name: str) -> int | None:
    """Reads a number of that file, in bytes."""
    with suppress(OSError):
        if found := re.search(rf"^{name}:\s*(\d+) kB$", path.read_text(), re.MULTILINE):
            return int(found[1]) << 10
    return None
