"""Memory that training frees stays with the process until it is given back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from nmt.training.validation import Validator

PROGRAM = """
import sys
from nmt.training.malloc import keep_freed_memory, return_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] != "leave":
    keep_freed_memory()
size = 200_000_000 if sys.argv[1] == "keep one" else 10_000_000
blocks, above = [bytearray(size) for _ in range(200_000_000 // size)], bytearray(1000)
del blocks
if sys.argv[1] == "return":
    return_freed_memory()
print(resident())
"""


def test_validation_begins_and_ends_with_memory_given_back(call, configuration, tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr("nmt.training.trainer.return_freed_memory", lambda: order.append("return"))
    validate = Validator.__call__
    monkeypatch.setattr(Validator, "__call__", lambda *given: order.append("validation") or validate(*given))
    assert call("train", configuration, "--output", tmp_path / "run", "--set", "training.max_steps=2").code == 0
    assert order == ["return", "validation", "return"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library is asked to keep memory")
@pytest.mark.parametrize(
    ("argument", "kept"), [("keep", True), ("keep one", False), ("return", False), ("leave", False)]
)
def test_freed_memory_is_kept_when_asked(argument: str, kept: bool) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, argument], capture_output=True, text=True, check=True)
    assert (int(done.stdout) > 200_000_000) is kept
