"""Promise 16: a giant line or an endless stream takes bounded memory; the first line is answered before the last is
read."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from forked import StartForked
from program import Call, sentences
from proofs import Proof

MEBIBYTE = 1 << 20
GIANT_BYTES = 50_000_000
# What a process may have in memory at one time and not at another: some thousand lines and what is made of them.
SLACK = 16 * MEBIBYTE
LINES_AT_ONCE = 2000
# How each command reads standard input; two of them read translations from another pipe beside it.
ARGUMENTS = {
    "translate": ["--beam-size", "1", "--max-length", "3"],
    "score": ["--src", "-", "--tgt", "PIPE"],
    "align": ["--src", "-", "--tgt", "PIPE"],
    "attend": ["--beam-size", "1", "--max-length", "3"],
}


def later(command: str) -> ParameterSet:
    """That command, but not in the gate, for which the others have to do."""
    return pytest.param(command, marks=pytest.mark.slow)


class Streaming:
    """A command that reads from one pipe or two."""

    def __init__(self, process: subprocess.Popen[bytes], pipes: Sequence[int]) -> None:
        self.process = process
        self._pipes = pipes

    def send(
        self, make: Callable[[], Iterable[bytes]], make_second: Callable[[], Iterable[bytes]] | None = None
    ) -> None:
        """Writes blocks to each pipe, and another kind to the second, in threads of their own."""
        for pipe, blocks in zip(self._pipes, (make, make_second or make), strict=False):
            threading.Thread(target=_write_all, args=(pipe, blocks()), daemon=True).start()

    def say(self, line: bytes) -> None:
        """Writes a line to each pipe."""
        for pipe in self._pipes:
            os.write(pipe, line)

    def answer(self) -> bytes:
        """The next line of standard output; empty where the process has ended."""
        return self.process.stdout.readline()

    def memory(self, name: str = "VmRSS") -> int:
        """Bytes that the process has in memory, or had at most (`VmHWM`)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) << 10

    def end(self) -> tuple[int, str]:
        """Closes the pipes; the exit code, and what stood on standard error."""
        for pipe in self._pipes:
            os.close(pipe)
        assert self.process.stdout.read() == b""
        said = self.process.stderr.read().decode()
        return self.process.wait(), said


def _write_all(pipe: int, blocks: Iterable[bytes]) -> None:
    try:
        for block in blocks:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(pipe, rest) :]
    except BrokenPipeError:  # the process has ended, as the test will see
        return


Stream = Callable[..., AbstractContextManager[Streaming]]


@pytest.fixture
def stream(start_forked: StartForked, model: Path, tmp_path: Path) -> Stream:
    @contextmanager
    def begin(command: str, seconds: float = 300) -> Iterator[Streaming]:
        pipe = tmp_path / f"{command}-pipe"
        os.mkfifo(pipe)
        arguments = [str(pipe) if word == "PIPE" else word for word in ARGUMENTS[command]]
        with ExitStack() as opened:
            reading, writing = os.pipe()
            process = opened.enter_context(
                start_forked(command, model, *arguments, stdin=reading, stdout=subprocess.PIPE)
            )
            opened.callback(process.kill)
            watch = threading.Timer(seconds, process.kill)  # a test shall fail rather than wait for ever
            watch.daemon = True
            watch.start()
            opened.callback(watch.cancel)
            os.close(reading)
            # Opened for reading, too, so that it need not wait for the process to open it.
            yield Streaming(process, [writing, *([os.open(pipe, os.O_RDWR)] if "PIPE" in ARGUMENTS[command] else [])])

    return begin


@pytest.fixture(scope="session")
def answer_lines(call: Call, model: Path) -> Callable[[str, bytes], int]:
    """How many lines a command answers a line with."""

    def count(command: str, line: bytes) -> int:
        return len(call(command, model, *ARGUMENTS[command], stdin=line).lines) if command == "attend" else 1

    return count


@pytest.mark.parametrize("command", ["translate", "score", later("align"), later("attend")])
@pytest.mark.promise(16, gate=3, full=100)
def test_promise_16_a_line_is_answered_before_the_next_is_sent(
    command: str, proof: Proof, stream: Stream, answer_lines: Callable[[str, bytes], int]
) -> None:
    with stream(command) as streaming:
        for number in range(proof.count):
            line = (b"ba ce\n", b"\n")[number % 2]
            streaming.say(line)
            with proof.case(number):
                assert all(streaming.answer().endswith(b"\n") for _ in range(answer_lines(command, line)))
        code, said = streaming.end()
        assert code == 0, said


def giant_and_another() -> Iterator[bytes]:
    words = b"ba ce di fo gu ha je ki lo mu " * 1000
    return chain(repeat(words, GIANT_BYTES // len(words) + 1), [b"\ndi fo\n"])


@pytest.mark.parametrize("command", ["translate", later("score"), later("align"), later("attend")])
@pytest.mark.promise(16, gate=1, full=1)
def test_promise_16_a_giant_line_is_not_held(
    command: str, stream: Stream, answer_lines: Callable[[str, bytes], int]
) -> None:
    def answer(line: bytes) -> list[bytes]:
        return [streaming.answer() for _ in range(answer_lines(command, line))]

    with stream(command) as streaming:
        answers = []
        for _ in range(2):
            streaming.say(b"di fo\n")
            answers.append(answer(b"di fo\n"))
        before = streaming.memory("VmHWM")
        streaming.send(giant_and_another, lambda: [b"BA\ndi fo\n"])
        assert set(answer(b"\n")) == {b"\n"}
        answers.append(answer(b"di fo\n"))
        assert streaming.memory("VmHWM") - before < SLACK
        code, said = streaming.end()
    assert answers[0] == answers[1] == answers[2] != [b"\n"]
    assert code == 65 and "nmt: warning: standard input:3: longer than" in said, said
    assert said.count("nmt: error: standard input: 1 line was too long") == said.count("nmt: error: ") == 1, said


def words(count: int) -> Iterator[bytes]:
    """Lines, hardly any of them twice."""
    for seed in range(count // LINES_AT_ONCE):
        yield "".join(f"{line}\n" for line in sentences(LINES_AT_ONCE, seed)).encode()


def blank(count: int) -> Iterator[bytes]:
    return repeat(b"\n" * LINES_AT_ONCE, count // LINES_AT_ONCE)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        pytest.param("translate", words, marks=pytest.mark.promise(16, gate=8_000, full=200_000)),
        pytest.param("translate", blank, marks=pytest.mark.promise(16, gate=20_000, full=10_000_000)),
        pytest.param("score", words, marks=[pytest.mark.slow, pytest.mark.promise(16, gate=8_000, full=40_000)]),
        pytest.param("align", words, marks=[pytest.mark.slow, pytest.mark.promise(16, gate=8_000, full=40_000)]),
        pytest.param("attend", blank, marks=[pytest.mark.slow, pytest.mark.promise(16, gate=8_000, full=40_000)]),
    ],
)
def test_promise_16_an_endless_stream_takes_constant_memory(
    command: str,
    lines: Callable[[int], Iterator[bytes]],
    proof: Proof,
    stream: Stream,
    answer_lines: Callable[[str, bytes], int],
) -> None:
    with stream(command, 3600) as streaming:
        streaming.send(lambda: lines(proof.count))
        memory: list[int] = []
        for number in range(proof.count * answer_lines(command, b"\n")):
            assert streaming.answer(), f"the stream ended after {number} lines"
            if number % (proof.count // 10) == 0:
                memory.append(streaming.memory())
        proof.counted(proof.count)
        code, said = streaming.end()
    assert code == 0, said
    assert max(memory[5:]) - max(memory[:5]) < SLACK, memory
