"""Asking the terminal for its background."""

from __future__ import annotations

import os
import pty
import select
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmt.io import background
from nmt.io.background import luminance_of_background


class Terminal:
    """A terminal that answers the questions of a program."""

    def __init__(self, answer: bytes) -> None:
        self.ours, self.theirs = pty.openpty()
        self.asked = b""
        self.answer = answer

    def serve(self) -> None:
        while select.select([self.ours], [], [], 1)[0]:
            self.asked += os.read(self.ours, 4096)
            if self.asked.endswith(b"\x1b[c"):
                os.write(self.ours, self.answer)
                return


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Asks a terminal that gives an answer; returns the luminance, and the terminal."""
    monkeypatch.setattr(background, "_can_be_asked", lambda: True)
    monkeypatch.delenv("COLORFGBG", raising=False)
    opened: list[int] = []

    def ask(answer: bytes, typed: bytes = b"") -> tuple[float | None, Terminal]:
        terminal = Terminal(answer)
        opened.extend((terminal.ours, terminal.theirs))
        name = Path(os.ttyname(terminal.theirs))
        before = termios.tcgetattr(terminal.theirs)
        with name.open() as keyboard, name.open("w") as screen, monkeypatch.context() as streams:
            streams.setattr(sys, "stdin", keyboard)
            streams.setattr(sys, "stdout", screen)
            os.write(terminal.ours, typed)
            thread = threading.Thread(target=terminal.serve)
            thread.start()
            luminance = luminance_of_background()
            thread.join()
        assert termios.tcgetattr(terminal.theirs) == before
        return luminance, terminal

    yield ask
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c", 0.0),
        (b"\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[?1;2c", 1.0),
        (b"\x1b]11;rgb:ff/ff/ff\x07\x1b[?6c", 1.0),
        (b"\x1b]11;rgba:fdfd/f6f6/e3e3/ffff\x07\x1b[?6c", 0.923),
        (b"\x1b[?6c", None),  # does not know the question
        (b"\x1b]11;rgb:zz/11\x07\x1b[?6c", None),
    ],
)
def test_the_terminal_tells_its_background(ask, answer, expected):
    luminance, _ = ask(answer)
    assert luminance == (expected if expected is None else pytest.approx(expected, abs=0.01))


def test_a_silent_terminal_is_not_waited_for_long(ask, monkeypatch):
    monkeypatch.setattr(background, "SECONDS_TO_ANSWER", 0.05)
    assert ask(b"")[0] is None


def test_what_was_typed_ahead_is_left_to_others(ask):
    luminance, terminal = ask(b"\x1b[?6c", typed=b"next command\n")
    assert luminance is None
    assert b"\x1b[c" not in terminal.asked
    assert os.read(terminal.theirs, 100) == b"next command\n"


@pytest.mark.parametrize(
    ("value", "expected"), [("15;0", 0.0), ("0;15", 1.0), ("0;default;7", 1.0), ("x", None), ("", None)]
)
def test_elsewhere_the_environment_may_tell(value, expected, monkeypatch):
    monkeypatch.setattr(background, "_can_be_asked", lambda: False)
    monkeypatch.setenv("COLORFGBG", value)
    assert luminance_of_background() == expected


@pytest.mark.parametrize("name", ["CI", "JPY_PARENT_PID"])
def test_where_nobody_looks_nobody_is_asked(name, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(name, "1")
    assert not background._can_be_asked()


def test_without_terminals_nobody_is_asked(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delattr(os, "ttyname")
    assert not background._can_be_asked()
