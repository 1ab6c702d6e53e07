"""The program in children of one process that has loaded it: thousands of runs, each with a process of its own."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from program import Finished, command, environment

GIBIBYTE = 1 << 30
PR_SET_CHILD_SUBREAPER = 36  # of <linux/prctl.h>
prctl = ctypes.CDLL(None).prctl
OPENED, REACHED_FOR = "or"  # as a note of `fork_server.py` begins


@dataclass(frozen=True)
class Child(Finished):
    """What a child left: `code` is that of a process, negative for a signal; None when it had to be ended.

    Attributes:
        seconds: from its start to its end, on a machine that may be busy.
        processor_seconds: that it computed.
        memory: bytes that it had in memory at most, more than its parent.
        opened: what it opened by name, where that was asked for.
        reached_for: what it tried to connect to, or to find the address of, likewise.
    """

    seconds: float = 0.0
    processor_seconds: float = 0.0
    memory: int = 0
    opened: tuple[str, ...] = ()
    reached_for: tuple[str, ...] = ()


class Forker:
    """Runs commands in children of one process, which is started when it is entered, and has translated already.

    Args:
        folder: an empty one, for the children's streams.
        model: what it has translated with.
        within: a command that runs the one that follows it, such as `unshare`; the program lives where that puts it.
    """

    def __init__(self, folder: Path, model: Path, within: Sequence[str] = ()) -> None:
        self._folder = folder
        self._model = model
        self.within = within
        self._server: subprocess.Popen[bytes] | None = None
        self._descriptors: socket.socket | None = None

    def __enter__(self) -> Self:
        self._descriptors, theirs = socket.socketpair()
        server = [sys.executable, Path(__file__).with_name("fork_server.py"), str(theirs.fileno()), self._model]
        self._server = subprocess.Popen(
            [*self.within, *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # torch reads it when it is loaded: it warns where no name service can be asked, as in processes that meet.
            env=environment(TORCH_CPP_LOG_LEVEL="ERROR"),
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None and self._descriptors is not None
        self._server.communicate(timeout=60)
        self._descriptors.close()

    def __call__(
        self,
        *arguments: object,
        stdin: bytes = b"",
        timeout: float = 120,
        memory: int | None = GIBIBYTE,
        audit: bool = False,
    ) -> Child:
        """Runs a command.

        Args:
            arguments: those of `nmt`.
            stdin: standard input.
            timeout: seconds after which it is ended.
            memory: bytes that it may have addresses for, more than its parent; None for all there are.
            audit: whether to note what it opens and connects to.
        """
        assert self._server is not None and self._server.stdin is not None
        (self._folder / "in").write_bytes(stdin)
        request = {
            "arguments": list(map(str, arguments)),
            "folder": str(self._folder),
            "timeout": timeout,
            "memory": memory,
            "audit": audit,
        }
        self._server.stdin.write(json.dumps(request).encode() + b"\n")
        self._server.stdin.flush()
        answer = self._answer()
        notes = (self._folder / "audit").read_bytes().decode().split("\0")[:-1] if audit else []
        by_kind = [tuple(note[1:] for note in notes if note[0] == kind) for kind in (OPENED, REACHED_FOR)]
        return Child(
            answer["code"],
            (self._folder / "out").read_bytes(),
            (self._folder / "err").read_bytes().decode(),
            answer["seconds"],
            answer["processor_seconds"],
            answer["memory"],
            *by_kind,
        )

    def begin(self, streams: Sequence[int], **request: object) -> int:
        """Begins a command, or another program, with those three streams; its number, as a child of this process.

        Args:
            streams: descriptors of standard input, output and error.
            request: `arguments`, as in `sys.argv`; `program`, the path of a script, or None for `nmt`; `environment`;
                `folder`, to work in; `session`, whether to begin one.
        """
        assert self._server is not None and self._server.stdin is not None and self._descriptors is not None
        socket.send_fds(self._descriptors, [b"x"], list(streams))
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # so that the child, whose parent ends at once, becomes ours
        try:
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()
            return int(self._answer()["process"])
        finally:
            prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)

    @property
    def process(self) -> int:
        """The number of the process that forks."""
        assert self._server is not None
        return self._server.pid

    def _answer(self) -> Any:
        assert self._server is not None and self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line, f"the process that forks has ended: {self._server.wait()}"
        return json.loads(line)


class ForkedPopen(subprocess.Popen[bytes]):
    """`subprocess.Popen` of `python [-m nmt | program.py] …`, whose child is forked where all is loaded already.

    For tests that do not ask how the program is loaded. Flags of Python, a function before the program, and what the
    environment says to an interpreter that starts, are not for it.
    """

    def __init__(self, forker: Forker, arguments: Sequence[object], **options: Any) -> None:
        self._forker = forker
        super().__init__(list(map(str, arguments)), **options)

    def _execute_child(self, arguments: list[str], *given: Any) -> None:
        """In the order in which Python 3.11 to 3.14 give what is to be done."""
        (_, before, _, _, folder, variables, _, _, _, *pipes) = given[:15]
        session = given[20]
        assert before is None, "a function before the program needs a process that is loaded"
        assert arguments[0] == sys.executable
        is_nmt = arguments[1:3] == ["-m", "nmt"]
        streams = [pipe if pipe != -1 else number for number, pipe in enumerate((pipes[0], pipes[3], pipes[5]))]
        self.pid = self._forker.begin(
            streams,
            arguments=arguments[2:] if is_nmt else arguments[1:],
            program=None if is_nmt else arguments[1],
            environment=dict(os.environ if variables is None else variables),
            folder=str(Path.cwd()) if folder is None else str(folder),
            session=session,
        )
        self._child_created = True
        self._close_pipe_fds(*pipes)


StartForked = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(scope="session")
def start_forked(forked: Forker, pytestconfig: pytest.Config) -> StartForked:
    """As `start`, but quick: see `ForkedPopen`. With the full counts of proofs it is `start`."""
    popen = subprocess.Popen if pytestconfig.option.full else partial(ForkedPopen, forked)

    def begin(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        return popen(command(*arguments), **({"env": environment(), "stderr": subprocess.PIPE} | options))

    return begin


@pytest.fixture(scope="session")
def forked(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    """The program in a child of a process that has loaded it: nearly as quick as inside this one, and real."""
    with Forker(tmp_path_factory.mktemp("forked"), model) as forker:
        yield forker
