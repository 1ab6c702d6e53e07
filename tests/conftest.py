"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

# Tiny tensors gain nothing from threads, and tests run side by side: threads that wait for each other on busy cores
# would make them many times slower. Set before torch is imported; programs that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell without job control starts in the background ignores Ctrl-C, and so would programs that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["network", "proofs", "program", "forked", "small_disk", "served", "two_translations", "browser"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names a case without its bytes: they may be many, or hold the time, and all processes must name it alike."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 100) else None


@pytest.fixture(scope="session", autouse=True)
def hangups_arrive() -> Iterator[None]:
    """Under `nohup`, too, a training that a test hangs up stops; the process that runs the tests does not."""
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
