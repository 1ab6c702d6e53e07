"""Whether reading would wait: by poll, by select where poll cannot tell, and where neither can."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nmt.io.readiness import is_readable, must_wait_to_read, wait_to_read, wait_to_write
from nmt.io.streams import open_input
from nmt.preparation.readers.sources import write_copy


class PollOfMac:
    """`poll` as macOS has it for terminals: it cannot tell, and says so at once."""

    def register(self, descriptor: int, _events: int) -> None:
        self._descriptor = descriptor

    def poll(self, _timeout: float | None = None) -> list[tuple[int, int]]:
        return [(self._descriptor, select.POLLNVAL)]


@pytest.fixture(params=["poll", "poll that cannot tell", "select"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "select":
        monkeypatch.delattr(select, "poll")
    elif request.param != "poll":
        monkeypatch.setattr(select, "poll", PollOfMac)


@pytest.fixture(params=["pipe", "terminal"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A descriptor to read from, and one to write what it reads."""
    theirs, ours = os.pipe() if request.param == "pipe" else reversed(pty.openpty())
    if request.param == "terminal":
        tty.setraw(theirs)
    yield theirs, ours
    os.close(theirs)
    os.close(ours)


@pytest.mark.usefixtures("system")
def test_what_was_written_can_be_read(ends: tuple[int, int]) -> None:
    theirs, ours = ends
    assert not is_readable(theirs) and must_wait_to_read(theirs)
    timer = threading.Timer(0.05, os.write, (ours, b"x"))
    timer.start()
    wait_to_read(theirs)
    assert is_readable(theirs) and not must_wait_to_read(theirs) and os.read(theirs, 9) == b"x"
    timer.join()
    assert not is_readable(theirs)


@pytest.mark.usefixtures("system")
def test_a_full_pipe_is_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        with suppress(BlockingIOError):
            while theirs.send(b"x" * 65536):
                pass
        done = threading.Event()
        waiting = threading.Thread(target=lambda: (wait_to_write(theirs.fileno()), done.set()))
        waiting.start()
        assert not done.wait(0.1)
        while not done.wait(0.001):
            ours.recv(1 << 20)
        waiting.join()


@pytest.fixture
def nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """`select` as Windows has it, and no `poll`."""

    def select_sockets(*_: object) -> None:
        raise OSError(10038, "not a socket")

    monkeypatch.delattr(select, "poll")
    monkeypatch.setattr(select, "select", select_sockets)


@pytest.mark.usefixtures("nobody_knows")
def test_where_nobody_knows_a_file_is_ready_and_a_pipe_is_not(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a\n")
    with (tmp_path / "text").open() as file:
        wait_to_read(file.fileno())
        assert is_readable(file.fileno())
    theirs, ours = os.pipe()
    os.write(ours, b"x")
    wait_to_read(theirs)
    wait_to_write(ours)
    assert not is_readable(theirs)
    os.close(theirs)
    os.close(ours)


@pytest.mark.usefixtures("nobody_knows")
def test_where_nobody_knows_a_pipe_is_read_to_its_end_all_the_same(tmp_path: Path) -> None:
    theirs, ours = os.pipe()
    os.write(ours, b"a\tb\n")
    os.close(ours)
    ticks = []

    def tick() -> None:
        ticks.append(1)
        assert len(ticks) < 9, "nothing is read"

    with open_input(f"/dev/fd/{theirs}") as stream:
        write_copy(stream, tmp_path / "copy", tick)
    os.close(theirs)
    assert (tmp_path / "copy").read_bytes() == b"a\tb\n"
