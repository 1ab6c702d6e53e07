"""What the machine is, and what its processes hold. Nothing here needs torch."""

from __future__ import annotations

import platform
import re
from contextlib import suppress
from pathlib import Path


def processor() -> str:
    """Returns the name of the processor."""
    with suppress(OSError):
        if found := re.search(r"^model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            return found[1]
    return platform.processor()


def with_descendants(process: int) -> list[int]:
    """Returns a process and its descendants that still run."""
    found = [process]
    for number in found:  # which grows on the way
        with suppress(OSError):
            for children in Path(f"/proc/{number}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    return found


def memory_of(process: int) -> tuple[float, float]:
    """Returns the resident and the anonymous memory of a process in MiB; nothing where it has ended."""
    with suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text()
        sizes = dict(re.findall(r"(VmRSS|RssAnon):\s+(\d+) kB", status))
        return int(sizes.get("VmRSS", 0)) / 1024, int(sizes.get("RssAnon", 0)) / 1024
    return 0.0, 0.0
