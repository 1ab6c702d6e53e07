"""Memory that training frees stays with the process until it is given back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from nmt.training.memory import keep_freed_memory, return_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] != "leave":
    keep_freed_memory()
blocks, above = [bytearray(10_000_000) for _ in range(20)], bytearray(1000)
del blocks
if sys.argv[1] == "return":
    return_freed_memory()
print(resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library is asked to keep memory")
@pytest.mark.parametrize(("argument", "kept"), [("keep", True), ("return", False), ("leave", False)])
def test_freed_memory_is_kept_when_asked(argument: str, kept: bool) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, argument], capture_output=True, text=True, check=True)
    assert (int(done.stdout) > 200_000_000) is kept
