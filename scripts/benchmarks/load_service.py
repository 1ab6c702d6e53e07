"""Loads `nmt serve` for minutes with clients of all kinds, and tells if it stood: answers, memory, times.

    python scripts/benchmarks/load_service.py runs/quickstart data/quickstart/test.en --minutes 10

Beside clients that translate, some vanish, send garbage, bodies of 10 MB, words of 1 MiB, ask for 10,000 alternatives,
or send their bodies slowly. Each text has a number of its own, which comes back. At last SIGTERM comes. Ends with 1
if an answer was wrong or missing, or memory grew by more than 100 MiB after the first minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MOST_GROWTH = 100  # MiB

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Load:
    """What all clients share."""

    port: int
    pair: dict[str, str]
    lines: Sequence[str]
    end: float
    seconds: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    number: int = 0

    def text(self) -> tuple[int, str]:
        """Returns a text, and the number that it ends with."""
        self.number += 1
        return self.number, f"{random.choice(self.lines)}\n{self.number}"


def request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert length is not None, head
    return int(head.split()[1]), await reader.readexactly(int(length[1]))


async def translate(load: Load, streams: Streams) -> None:
    """Translates some texts, and compares the numbers."""
    texts = [load.text() for _ in range(random.choice([1, 1, 1, 5, 50]))]
    body = json.dumps({"q": [text for _, text in texts], **load.pair}).encode()
    start = time.perf_counter()
    streams[1].write(request("/translate", body))
    status, found = await answer(streams[0])
    if status == 200:
        load.seconds.append(time.perf_counter() - start)
        numbers = [text.rpartition("\n")[2] for text in json.loads(found)["translatedText"]]
        if numbers != [str(number) for number, _ in texts]:
            load.wrong.append(f"{numbers} for {texts}")
    elif status not in (429, 503):
        load.wrong.append(f"{status}: {found[:200]!r}")
    load.counts[f"translate {status}"] += 1


async def expect(load: Load, streams: Streams, name: str, sent: bytes, *statuses: int) -> None:
    """Sends something, and compares the status of the answer."""
    streams[1].write(sent)
    status, found = await answer(streams[0])
    load.counts[f"{name} {status}"] += 1
    if status not in statuses:
        load.wrong.append(f"{name}: {status}: {found[:200]!r}")


async def garbage(load: Load, streams: Streams) -> None:
    """Sends what is no HTTP, or no JSON."""
    await expect(load, streams, "no JSON", request("/v1/translate", random.randbytes(300)), 400, 429, 503)
    streams[1].write(random.randbytes(500) + b"\r\n\r\n")
    await streams[0].read()


async def large(load: Load, streams: Streams) -> None:
    """Sends 10 MB."""
    await expect(load, streams, "10 MB", request("/translate", bytes(10_000_000)), 413)


async def word(load: Load, streams: Streams) -> None:
    """Sends a word of nearly 1 MiB."""
    body = json.dumps({"q": "a" * ((1 << 20) - 100), **load.pair}).encode()
    await expect(load, streams, "word of 1 MiB", request("/translate", body), 413)


async def alternatives(load: Load, streams: Streams) -> None:
    """Asks for 10,000 alternatives."""
    body = json.dumps({"q": load.text()[1], "alternatives": 10_000, **load.pair}).encode()
    await expect(load, streams, "10,000 alternatives", request("/translate", body), 400)


async def vanish(load: Load, streams: Streams) -> None:
    """Asks, and goes away."""
    texts = [load.text()[1] for _ in range(100)]
    streams[1].write(request("/translate", json.dumps({"q": texts, **load.pair}).encode()))
    await asyncio.sleep(random.random() / 5)
    streams[1].transport.abort()
    load.counts["vanished"] += 1


async def slow(load: Load, streams: Streams) -> None:
    """Sends a body byte by byte, until the service has had enough."""
    streams[1].write(request("/translate", b"")[:-4].replace(b"Length: 0", b"Length: 5000") + b"\r\n\r\n")
    reading = asyncio.ensure_future(answer(streams[0]))
    while not reading.done() and time.monotonic() < load.end + 30:
        streams[1].write(b" ")
        await asyncio.sleep(0.1)
    load.counts[f"slow body {(await reading)[0]}"] += 1


async def client(load: Load, act: Callable[[Load, Streams], Awaitable[None]], pause: float) -> None:
    """Does one thing again and again, over a connection that is kept where it can be."""
    streams: Streams | None = None
    while time.monotonic() < load.end:
        try:
            if streams is None or streams[1].is_closing():
                streams = await asyncio.open_connection("127.0.0.1", load.port)
            await act(load, streams)
        except (OSError, asyncio.IncompleteReadError):
            load.counts[f"{act.__name__}: connection ended"] += 1
            streams = None
        if act is not translate and streams is not None:
            streams[1].transport.abort()
            streams = None
        await asyncio.sleep(pause)
    if streams is not None:
        streams[1].transport.abort()


def memory(process: int) -> float:
    """Returns the resident memory of a process, in MiB."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


async def run(load: Load, process: int) -> list[float]:
    """Runs all clients; returns the memory of the service every ten seconds."""
    found: list[float] = []

    async def watch() -> None:
        while time.monotonic() < load.end:
            await asyncio.sleep(10)
            with suppress(OSError):
                found.append(memory(process))

    hostile = [(garbage, 0.5), (large, 2.0), (word, 1.0), (alternatives, 0.3), (vanish, 0.3), (slow, 0.1)]
    clients = [client(load, translate, 0.0) for _ in range(16)] + [client(load, *one) for one in hostile]
    await asyncio.gather(watch(), *clients)
    return found


def main() -> int:
    """Loads a service, and prints what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("lines", metavar="FILE", type=Path)
    parser.add_argument("--source", default="en")
    parser.add_argument("--target", default="fr")
    parser.add_argument("--minutes", type=float, default=10)
    given = parser.parse_args()
    lines = [line for line in given.lines.read_text(encoding="utf-8").splitlines() if line]
    command = [sys.executable, "-m", "nmt", "serve", given.model, "--port", "0"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    found = re.search(r":(\d+)/$", running.stderr.readline())
    assert found is not None
    pair = {"source": given.source, "target": given.target}
    load = Load(int(found[1]), pair, lines, time.monotonic() + 60 * given.minutes)
    used = asyncio.run(run(load, running.pid))
    with urllib.request.urlopen(f"http://127.0.0.1:{load.port}/metrics") as told:
        numbers = [line for line in told.read().decode().splitlines() if "{model=" in line]
    os.kill(running.pid, signal.SIGTERM)
    rest = running.stderr.read().strip()
    code = running.wait()
    after_a_minute = used[min(6, len(used) - 1)]
    growth = max(used) - after_a_minute
    load.seconds.sort()
    for name, count in sorted(load.counts.items()):
        print(f"{name:40} {count}")
    middle, late = (load.seconds[int(share * len(load.seconds))] for share in (0.5, 0.99))
    print(f"seconds of a request: median {middle:.2f}, p99 {late:.2f}, most {load.seconds[-1]:.2f}")
    print(f"memory, MiB: {after_a_minute:.0f} after a minute, {max(used):.0f} at most, {used[-1]:.0f} at the end")
    print("\n".join(numbers))
    print(f"wrong answers: {len(load.wrong)} {load.wrong[:3]}")
    print(f"ended with {code}: {rest}")
    return int(bool(load.wrong) or growth > MOST_GROWTH or code != 0)


if __name__ == "__main__":
    sys.exit(main())
