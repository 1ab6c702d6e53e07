"""A cluster of Ray, quietly: one that runs, or a local one for as long as a job lasts."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from nmt.errors import ConfigError
from nmt.libraries import how_to_install
from nmt.preflight.memory import available_memory

# Of 127.0.0.1 Ray makes the address of the machine in its network, which it has to find out first.
_LOOPBACK = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
_STORE_BYTES = 256 << 20  # of a local cluster: the shards that wait, of which there are some for each worker
_STORE_BYTES_OF_WORKER = 64 << 20
_LEAST_STORE_BYTES = 80 << 20  # with which Ray starts
_SHARE_OF_STORE = 0.3  # of the memory that is available
_SHARED_MEMORY = Path("/dev/shm")  # where the store is
_LONGEST_FOLDER = 40  # of a path below which Ray puts sockets, whose paths may have some hundred bytes
_FALLBACK_FOLDER = "/tmp"
_ADDRESS = re.compile(r"(?:ray://)?(?:\[([^]]+)\]|([^:/]+)):([0-9]+)")
_SECONDS_TO_CONNECT = 5.0
# Of HTTP/2 (RFC 9113, 3.4 and 4.1): what a client says first, with settings, which change nothing.
_FRAME_HEAD = 9  # bytes: the length of what follows in three, then its kind
_KIND_OF_SETTINGS = b"\4"
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + _KIND_OF_SETTINGS + bytes(5)

# Nothing is sent to the makers of Ray, nothing is written by its parts in C++, and actors that are given no GPU see
# those that there are, which they are told not to use.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}
# Of a local cluster also: workers are as nice to other programs as the job itself, and not nicer.
_LOCAL_SETTINGS = {"RAY_AUTH_MODE": "token", "RAY_worker_niceness": "0"}


def require_ray() -> None:
    """Raises ConfigError, which tells what to install, if Ray Data is not there."""
    needed = ("ray", "pyarrow", "pandas")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ConfigError("bulk", f"needs {', '.join(missing)}: {how_to_install('ray')}")


@contextmanager
def connected(address: str | None, processors: int, workers: int) -> Iterator[None]:
    """Connects to the cluster at an address, or starts a local one with so many processors, until the block is left.

    A local cluster serves nobody else: who asks it for something needs a key, which is made for it. Signals stay
    handled as they were, though Ray would handle some of them itself.

    Raises ConfigError if there is no cluster at the address, or it has another version of Ray or of Python; or if a
    local one cannot be started.
    """
    settings = _SETTINGS if address else _SETTINGS | _LOCAL_SETTINGS | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with _environment(settings), ExitStack() as stack:
        import ray
        import ray.data

        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        if address:
            _connect(address)
            stack.callback(ray.shutdown)
        else:
            folder = stack.enter_context(_session_folder())
            stack.callback(ray.shutdown)  # also of what is half started
            _start(folder, processors, workers)
        yield


def check_address(address: str) -> None:
    """Raises ConfigError if no Ray listens at the address of a cluster; Ray itself would try for a minute or more."""
    found = _ADDRESS.fullmatch(address)
    if found is None:  # a word, such as auto, which Ray knows
        return
    try:
        with socket.create_connection((found[1] or found[2], int(found[3])), _SECONDS_TO_CONNECT) as connection:
            speaks = os.environ.get("RAY_USE_TLS", "0") != "0" or _speaks_http2(connection)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError("--address", f"{address}: nobody answers there: {error!s:.200}") from error
    if not speaks:
        what = "what answers there is not Ray; the port of a cluster is 6379, that of its dashboard another"
        raise ConfigError("--address", f"{address}: {what}")


def _speaks_http2(connection: socket.socket) -> bool:
    """Returns True if a server speaks HTTP/2, as Ray's do (gRPC): it answers a client's greeting by its settings."""
    try:
        connection.sendall(_GREETING)
        with connection.makefile("rb") as answer:  # which may come in pieces
            return answer.read(_FRAME_HEAD)[3:4] == _KIND_OF_SETTINGS
    except OSError:  # it says nothing, or hangs up
        return False


def _connect(address: str) -> None:
    try:
        _initialize(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError("--address", f"{address}: {_first_line(error)}") from error


def _start(folder: str, processors: int, workers: int) -> None:
    try:
        _initialize(
            "local",
            num_cpus=processors,
            object_store_memory=_store_bytes(workers),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            _node_ip_address=_LOOPBACK,
            _temp_dir=folder,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError("bulk", f"Ray does not start on this machine: {_first_line(error)}") from error


def _initialize(address: str, **options: Any) -> None:
    """Calls `ray.init`, which replaces the handlers of signals by its own; they are put back."""
    import ray

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address, **options)
    except SystemExit as error:  # which its own handler of SIGTERM raises, with the bare number
        raise SystemExit(128 + signal.SIGTERM if error.code == signal.SIGTERM else error.code) from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _first_line(error: Exception) -> str:
    return f"{(str(error).strip() or type(error).__name__).splitlines()[0]:.300}"


def _store_bytes(workers: int) -> int:
    """Returns the bytes of shared memory for the shards that wait, as far as there is memory."""
    room = [int((available_memory() or sys.maxsize) * _SHARE_OF_STORE)]
    if _SHARED_MEMORY.is_dir():
        room.append(int(shutil.disk_usage(_SHARED_MEMORY).free * 0.8))
    return max(_LEAST_STORE_BYTES, min(max(_STORE_BYTES, workers * _STORE_BYTES_OF_WORKER), *room))


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment that are not set, which processes that are started inherit."""
    added = [name for name in settings if name not in os.environ]
    os.environ.update({name: settings[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@contextmanager
def _session_folder() -> Iterator[str]:
    """Makes a folder for the sockets and logs of a local cluster; raises ConfigError if it cannot be made."""
    parent = tempfile.gettempdir()
    try:
        folder = tempfile.mkdtemp(prefix="nmt-ray-", dir=_FALLBACK_FOLDER if len(parent) > _LONGEST_FOLDER else parent)
    except OSError as error:
        raise ConfigError("TMPDIR", f"Ray needs a folder for temporary files: {error}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
