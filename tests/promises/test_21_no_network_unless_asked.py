"""Promise 21: no network unless asked."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from proofs import Proof

# Addresses that documentation may name and that belong to nobody: RFC 5737 and RFC 3849.
NOBODY = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]


def connect(family: int, address: str) -> None:
    with socket.socket(family) as connection:
        connection.settimeout(60)
        connection.connect((address, 80))


def send(family: int, address: str) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"x", (address, 80))


@pytest.mark.promise(21, gate=4, full=4)
def test_promise_21_the_tests_reach_nothing_but_loopback(proof: Proof) -> None:
    for family, address in NOBODY:
        for reach in (connect, send):
            with proof.case(f"{reach.__name__} {address}"), pytest.raises(OSError, match=r"unreachable|assign|no test"):
                reach(family, address)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=60).close()


@pytest.mark.promise(21, gate=1, full=1)
def test_promise_21_nor_does_what_they_start(user_environment: Callable[..., dict[str, str]]) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=60)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=user_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "OSError" in done.stderr and "timed out" not in done.stderr
