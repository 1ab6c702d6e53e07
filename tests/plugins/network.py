"""No test reaches the network: every connection but loopback is closed, to the tests and to all that they start.

Where the system allows it, as Linux mostly does, the tests move into a network namespace of their own that has loopback
and nothing else. Elsewhere Python is asked to refuse what leads out, here and, by `refusing/sitecustomize.py`, in every
Python that is started.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import runpy
import socket
import struct
import sys
from pathlib import Path

import pytest

REFUSING = Path(__file__).parents[1] / "support" / "refusing"

# From sched.h, linux/sockios.h and net/if.h.
_NEW_USER_NAMESPACE, _NEW_NETWORK_NAMESPACE = 0x10000000, 0x40000000
_GET_INTERFACE_FLAGS, _SET_INTERFACE_FLAGS, _INTERFACE_IS_UP = 0x8913, 0x8914, 1

_HOW = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    if _only_loopback() or (_could_leave_the_network() and _leave_the_network()):
        config.stash[_HOW] = "closed by a namespace with nothing but loopback"
        return
    config.stash[_HOW] = "refused by Python, since the system allows no network namespace"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(REFUSING), os.environ.get("PYTHONPATH"))))
    runpy.run_path(str(REFUSING / "sitecustomize.py"))


def pytest_report_header(config: pytest.Config) -> str:
    return f"network: {config.stash[_HOW]}"


def _only_loopback() -> bool:
    """Whether there is nothing else already, as in the processes that test beside each other."""
    return sys.platform == "linux" and [name for _, name in socket.if_nameindex()] == ["lo"] and _raise_loopback()


def _could_leave_the_network() -> bool:
    """Whether a child of this process can. Some systems let one go, and then allow it nothing, not even loopback."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if _leave_the_network() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _leave_the_network() -> bool:
    """Moves this process into a network namespace of its own; whether that was possible."""
    unshare = ctypes.CDLL(None).unshare
    if unshare(_NEW_NETWORK_NAMESPACE) == 0:
        return _raise_loopback()
    user, group = os.geteuid(), os.getegid()
    if unshare(_NEW_USER_NAMESPACE | _NEW_NETWORK_NAMESPACE) != 0:
        return False
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(line)
    return _raise_loopback()


def _raise_loopback() -> bool:
    """Makes the loopback interface usable, which it is not in a new namespace; whether it is now."""
    name = struct.pack("16s", b"lo")
    with socket.socket(type=socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _GET_INTERFACE_FLAGS, name + bytes(24))
            [flags] = struct.unpack_from("h", answer, 16)
            if not flags & _INTERFACE_IS_UP:
                fcntl.ioctl(
                    any_socket, _SET_INTERFACE_FLAGS, name + struct.pack("h", flags | _INTERFACE_IS_UP) + bytes(22)
                )
        except OSError:
            return False
    return True
