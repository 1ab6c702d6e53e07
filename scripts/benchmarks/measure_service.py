"""Measures `nmt serve`: its throughput beside `nmt translate`, and what it adds to the time of a search.

    python scripts/benchmarks/measure_service.py runs/quickstart data/quickstart/test.en

In one run, on the same lines:

- `nmt translate`, without the time that it takes to start;
- `/translate` with lists of 50, from one client;
- `/translate` with single sentences, from 32 clients;
- the same 32 clients, and a server that calls `Translator.translate` once a request;
- single sentences from one client, and the search alone in this process, by turns.

Clients, server and command share the machine. Rounds are repeated, and the medians shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LIST, CLIENTS = 50, 32

PLAIN = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from nmt import Translator
translator = Translator.load(sys.argv[1])
translator.translate(["a"])

def translate(text):
    return translator.translate([text])[0].text

async def answer(request):
    from starlette.concurrency import run_in_threadpool
    return JSONResponse({"translatedText": await run_in_threadpool(translate, (await request.json())["q"])})

config = uvicorn.Config(Starlette(routes=[Route("/translate", answer, methods=["POST"])]), port=0, access_log=False)
uvicorn.Server(config).run()
"""


class Connection:
    """A connection to a server, over which one request after the other is sent."""

    def __init__(self, port: int, pair: tuple[str, str]) -> None:
        self._port = port
        self._pair = {"source": pair[0], "target": pair[1]}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def translate(self, texts: str | Sequence[str]) -> None:
        """Asks for translations."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        body = json.dumps({"q": texts, **self._pair}).encode()
        head = "POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the server refused: {answer.decode()}")
        found = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
        assert found is not None
        await reader.readexactly(int(found[1]))

    def close(self) -> None:
        """Closes the connection."""
        if self._streams is not None:
            self._streams[1].close()


@contextmanager
def server(*command: str) -> Iterator[int]:
    """Runs a server as long as the `with` block lasts, and yields its port."""
    running = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    try:
        for line in running.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                yield int(found[1])
                break
        else:
            raise SystemExit("the server did not start")
    finally:
        running.terminate()
        running.communicate()


def command_seconds(model: str, lines: Sequence[str]) -> float:
    """Returns how long `nmt translate` takes for lines, beyond what it takes for one."""

    def run(some: Sequence[str]) -> float:
        start = time.perf_counter()
        text = "".join(f"{line}\n" for line in some).encode()
        command = [sys.executable, "-m", "nmt", "translate", model, "--quiet"]
        subprocess.run(command, input=text, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    return run(lines) - run(lines[:1])


async def seconds_of(port: int, pair: tuple[str, str], clients: int, texts: Sequence[str | Sequence[str]]) -> float:
    """Returns how long so many clients take together to get all texts translated."""
    waiting = iter(texts)

    async def ask(connection: Connection) -> None:
        for text in waiting:
            await connection.translate(text)

    connections = [Connection(port, pair) for _ in range(clients)]
    start = time.perf_counter()
    await asyncio.gather(*map(ask, connections))
    seconds = time.perf_counter() - start
    for connection in connections:
        connection.close()
    return seconds


async def latencies(port: int, pair: tuple[str, str], model: str, lines: Sequence[str]) -> tuple[float, float]:
    """Returns the median seconds of a sentence from the server, and of its search alone, by turns."""
    from nmt import Translator

    translator = Translator.load(model)
    translator.translate(lines[:20])
    connection = Connection(port, pair)
    served, searched = [], []
    for line in lines:
        start = time.perf_counter()
        await connection.translate(line)
        middle = time.perf_counter()
        translator.translate([line])
        served.append(middle - start)
        searched.append(time.perf_counter() - middle)
    connection.close()
    return statistics.median(served), statistics.median(searched)


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("lines", metavar="FILE", type=Path)
    parser.add_argument("--most", type=int, default=1000, help="lines of FILE that are translated")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    lines = list(dict.fromkeys(given.lines.read_text(encoding="utf-8").splitlines()))[: given.most]
    lists = [lines[start : start + LIST] for start in range(0, len(lines), LIST)]

    from nmt import Translator

    data = Translator.load(given.model).config.data
    pair = data.source_language, data.target_language
    rows: dict[str, list[float]] = {}
    with server("-m", "nmt", "serve", given.model, "--port", "0") as port, server("-c", PLAIN, given.model) as plain:
        asyncio.run(seconds_of(port, pair, 8, lines[:200]))
        asyncio.run(seconds_of(plain, pair, 8, lines[:50]))
        for _ in range(given.rounds):
            command = command_seconds(given.model, lines)
            of_lists = asyncio.run(seconds_of(port, pair, 1, lists))
            of_singles = asyncio.run(seconds_of(port, pair, CLIENTS, lines))
            some = lines[: max(CLIENTS, len(lines) // 4)]
            of_plain = asyncio.run(seconds_of(plain, pair, CLIENTS, some)) * len(lines) / len(some)
            served, searched = asyncio.run(latencies(port, pair, given.model, lines[:100]))
            for name, value in {
                "nmt translate, sentences/s": len(lines) / command,
                f"lists of {LIST}, sentences/s": len(lines) / of_lists,
                f"{CLIENTS} clients, sentences/s": len(lines) / of_singles,
                f"{CLIENTS} clients of the plain server, sentences/s": len(lines) / of_plain,
                f"lists of {LIST}, ratio to nmt translate (at least 0.8)": command / of_lists,
                f"{CLIENTS} clients, ratio to nmt translate (at least 0.6)": command / of_singles,
                f"{CLIENTS} clients, ratio to the plain server (at least 3)": of_plain / of_singles,
                "one sentence, ms": served * 1000,
                "its search alone, ms": searched * 1000,
                "added, ms (at most 5)": (served - searched) * 1000,
            }.items():
                rows.setdefault(name, []).append(value)
    for name, values in rows.items():
        print(f"{name:60} {statistics.median(values):9.2f}   {' '.join(f'{value:.2f}' for value in values)}")


if __name__ == "__main__":
    main()
