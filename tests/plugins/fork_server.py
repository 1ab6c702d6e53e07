"""A process that has loaded the program, torch included, and runs commands in children that it forks.

A child costs some milliseconds, where a process of its own costs seconds, and is as real: it has its own descriptors,
memory and exit code, and runs the `main` of the program. `forked.py` starts this file and talks to it: a line of JSON
asks, and one answers.

A child that is only begun is handed to the process that asked, which must be a subreaper meanwhile: what would be the
child's parent ends, and so the nearest subreaper above becomes it.
"""

from __future__ import annotations

import faulthandler
import fcntl
import gc
import io
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch._dynamo  # noqa: F401 (an optimizer imports it; see below)
from tqdm import tqdm

import nmt.training.pipeline  # noqa: F401 (what commands import shall be there before they are forked)
from nmt.__main__ import main as main_of_package
from nmt.cli.main import main
from program import nmt_in_process

OPENED, REACHED_FOR = b"o", b"r"


def serve() -> None:
    descriptors = socket.socket(fileno=int(sys.argv[1]))
    for model in sys.argv[2:]:
        for command in ("translate", "info"):
            assert nmt_in_process(command, model, stdin=b"ba\n").code == 0
    gc.collect()
    gc.freeze()  # what was made before is not looked at, and so not copied, in the children
    print(json.dumps({"memory": memory()}), flush=True)
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        answer = begin(request, descriptors) if "environment" in request else run(request)
        print(json.dumps(answer), flush=True)


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def address_space() -> int:
    """Bytes of this process that have an address."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Runs a command in a child; how it ended."""
    before, started = memory(), time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            become(request)
            main()
        finally:
            os._exit(99)  # where `main`, which never returns, was not reached
    timed_out = not is_over(child, request["timeout"])
    if timed_out:
        os.kill(child, signal.SIGABRT)  # faulthandler tells where it was
        if not is_over(child, 5):
            os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return {
        "code": None if timed_out else os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - started,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "memory": max(0, usage.ru_maxrss * 1024 - before),
    }


def begin(request: dict[str, Any], descriptors: socket.socket) -> dict[str, Any]:
    """Begins a child that belongs to the process that asks, with the streams that it sends; the child's number."""
    _, streams, _, _ = socket.recv_fds(descriptors, 1, 3)
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        child = os.fork()
        if child == 0:
            try:
                become_process(request, streams)
            finally:
                os._exit(99)
        os.write(writing, b"%d" % child)
        os._exit(0)
    os.waitpid(between, 0)
    number = int(os.read(reading, 20))
    for descriptor in (*streams, reading, writing):
        os.close(descriptor)
    return {"process": number}


def own_locks() -> None:
    """Gives this child its own lock for bars: all children share the one before, and one that is killed keeps it."""
    tqdm.set_lock(threading.RLock())


def become_process(request: dict[str, Any], streams: list[int]) -> None:
    """Makes this child the process that a command line starts, and ends with it."""
    own_locks()
    high = [fcntl.fcntl(stream, fcntl.F_DUPFD, 100) for stream in streams]
    for number, stream in enumerate(high):
        os.dup2(stream, number)
    os.closerange(3, 1 << 16)
    if request["session"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # noqa: SIM115
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    faulthandler.disable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = request["arguments"]
    program = request["program"]
    try:
        if program is None:
            main_of_package()
        else:
            sys.path.insert(0, str(Path(program).parent))
            runpy.run_path(program, run_name="__main__")
    except SystemExit as error:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(error.code if isinstance(error.code, int) else error.code is not None)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def is_over(child: int, seconds: float) -> bool:
    """Waits for a child at most so long; whether it has ended."""
    descriptor = os.pidfd_open(child)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def become(request: dict[str, Any]) -> None:
    """Makes this child a command as a shell starts it: arguments, streams, limits."""
    own_locks()
    os.setsid()
    folder = Path(request["folder"])
    for number, name in enumerate(("in", "out", "err")):
        os.dup2(os.open(folder / name, os.O_RDONLY if name == "in" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "w", closefd=False), encoding="utf-8", write_through=True)
        for number in (1, 2)
    )
    faulthandler.enable(2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if request["memory"] is not None:
        most = address_space() + request["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["nmt", *request["arguments"]]
    if request["audit"]:
        audit(os.open(folder / "audit", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))


def audit(descriptor: int) -> None:
    """Writes every file that Python opens, every folder that it lists, and all that it connects to, to a descriptor."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir", "os.chdir") and isinstance(arguments[0], str | bytes):
            os.write(descriptor, OPENED + os.fsencode(arguments[0]) + b"\0")
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            os.write(descriptor, REACHED_FOR + repr(arguments[1]).encode() + b"\0")
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            os.write(descriptor, REACHED_FOR + repr(arguments[0]).encode() + b"\0")

    sys.addaudithook(note)


if __name__ == "__main__":
    serve()
