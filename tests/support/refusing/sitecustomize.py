"""Refuses what leads out of this machine, in every Python that finds this file on its path; see `network.py`."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

_HERE = ("", "localhost", socket.gethostname())


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # Other addresses are names of files, or None where the socket is connected already.
        host = address[0] if isinstance(address, tuple) else "localhost"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
    if name not in _HERE and not _is_loopback(name):
        raise OSError(f"no test reaches the network, but {event} was asked for {name!r:.80}")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


sys.addaudithook(_refuse)
