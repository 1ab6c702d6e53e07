"""Promise 26: the limits of the service hold, each at, below and above, and so do time and memory."""

from __future__ import annotations

import itertools
import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nmt.service.limits import Limits
from proofs import Proof
from served import Reply, Serve, Served

LIMITS = Limits(
    characters=1_000,
    sentences=20,
    texts=10,
    body=10_000,
    beam=4,
    attend=100,
    queue=30,
    seconds=20,
    read_seconds=1.0,
    connections=20,
    header=4_096,
)
PAIR = {"source": "xx", "target": "yy"}
PLACES = ("below", "at", "above")


@pytest.fixture(scope="module")
def limited(serve: Serve, model: Path) -> Iterator[Served]:
    with serve([model], LIMITS) as served:
        yield served


def padded(size: int) -> bytes:
    """A request of so many bytes."""
    body = json.dumps({"q": "ba", **PAIR}).encode()
    return body + b" " * (size - len(body))


def translate(fields: dict[str, Any]) -> Callable[[Served], int]:
    return lambda served: served.post("/translate", fields | PAIR).status


def ask(path: str, fields: dict[str, Any]) -> Callable[[Served], int]:
    return lambda served: served.post(path, fields).status


def send(served: Served, body: bytes, kind: str = "application/json") -> Reply:
    return served.ask("POST", "/translate", body, content_type=kind)


def of_size(make: Callable[[int], Callable[[Served], int]], most: int) -> list[Callable[[Served], int]]:
    """Requests below, at and above a limit."""
    return [make(most - 1), make(most), make(most + 1)]


CASES: dict[str, tuple[int, list[Callable[[Served], int]]]] = {
    "characters": (413, of_size(lambda size: translate({"q": "ba " * (size // 3) + "a" * (size % 3)}), 1_000)),
    "characters of a list": (413, of_size(lambda size: translate({"q": ["b" * 600, "a" * (size - 600)]}), 1_000)),
    "characters of /v1": (413, of_size(lambda size: ask("/v1/translate", {"text": "b" * size}), 1_000)),
    "characters of /detect": (413, of_size(lambda size: ask("/detect", {"q": "b" * size}), 1_000)),
    "characters of /v1/attend": (413, of_size(lambda size: ask("/v1/attend", {"text": "b" * size}), 100)),
    "sentences": (413, of_size(lambda size: translate({"q": "ba\n" * size}), 20)),
    "sentences of /v1": (413, of_size(lambda size: ask("/v1/translate", {"text": ["ba", "ba\n" * (size - 1)]}), 20)),
    "texts": (413, of_size(lambda size: translate({"q": ["ba"] * size}), 10)),
    "texts of /v1": (413, of_size(lambda size: ask("/v1/translate", {"text": ["ba"] * size}), 10)),
    "alternatives": (400, of_size(lambda size: translate({"q": "ba", "alternatives": size}), 1)),
    "beam": (400, of_size(lambda size: ask("/v1/translate", {"text": "ba", "beam_size": size}), 4)),
    "translations": (400, of_size(lambda size: ask("/v1/translate", {"text": "ba", "n_best": size}), 4)),
    "length": (400, of_size(lambda size: ask("/v1/translate", {"text": "ba", "max_length": size}), 8)),
    "body": (413, of_size(lambda size: lambda served: send(served, padded(size)).status, 10_000)),
}  # fmt: skip


@pytest.mark.promise(26, gate=len(CASES) * 3, full=len(CASES) * 3)
def test_promise_26_each_limit_holds_at_below_and_above(proof: Proof, limited: Served) -> None:
    for name, (refusal, requests) in CASES.items():
        for place, request in enumerate(requests):
            with proof.case(f"{name} {PLACES[place]}"):
                assert request(limited) == (refusal if place == 2 else 200)


HOSTILE = {
    "ten megabytes": lambda served: served.ask("POST", "/translate", b"x" * 10_000_000),
    "a word of a megabyte": lambda served: served.post("/translate", {"q": "a" * (1 << 20), **PAIR}),
    "ten thousand alternatives": lambda served: served.post("/translate", {"q": "ba", "alternatives": 10_000, **PAIR}),
    "alternatives without end": lambda served: send(served, b'{"q":"","alternatives":' + b"9" * 9_000 + b"}"),
    "deep brackets": lambda served: served.ask("POST", "/v1/translate", b"[" * 9_999),
    "many fields": lambda served: send(served, b"a=1&" * 2_400, "application/x-www-form-urlencoded"),
    "no UTF-8": lambda served: served.ask("POST", "/v1/translate", b'{"text":"\xff"}'),
}  # fmt: skip


@pytest.mark.promise(26, gate=len(HOSTILE), full=len(HOSTILE))
def test_promise_26_what_is_hostile_is_refused(proof: Proof, limited: Served) -> None:
    for name, request in HOSTILE.items():
        with proof.case(name):
            reply = request(limited)
            assert reply.status in (400, 413) and list(reply.json) == ["error"]
    assert limited.ask("GET", "/health").status == 200


def left_open(connection: socket.socket) -> bytes:
    """What comes until the service ends a connection; no test waits for ever."""
    connection.settimeout(30)
    found = b""
    try:
        while block := connection.recv(1 << 16):
            found += block
    except ConnectionError:
        pass
    return found


CHUNK = b"3e8\r\n" + b" " * 1_000 + b"\r\n"
HEAD = b"POST /translate HTTP/1.1\r\nHost: localhost\r\n"
SLOW: dict[str, tuple[bytes, bytes, bytes]] = {
    # what is sent at first, what again and again, and how the answer begins
    "silence": (b"", b"", b""),
    "a head that does not end": (HEAD, b"X: 1\r\n", b""),
    "a large head": (HEAD, b"X: " + b"x" * 1_000 + b"\r\n", b"HTTP/1.1 400"),
    "a slow body": (HEAD + b"Content-Length: 1000\r\n\r\n", b" ", b"HTTP/1.1 408"),
    "a slow body in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", b"HTTP/1.1 408"),
    "an endless body": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, b"HTTP/1.1 413"),
    "a body too large for its head": (HEAD + b"Content-Length: 10001\r\n\r\n", b"", b"HTTP/1.1 413"),
    "no HTTP": (b"\x16\x03\x01\r\n\r\n", b"", b"HTTP/1.1 400"),
}  # fmt: skip


@pytest.mark.promise(26, gate=len(SLOW), full=len(SLOW))
def test_promise_26_what_is_slow_or_endless_is_cut_off(proof: Proof, limited: Served) -> None:
    """All of them at once, since each takes seconds."""
    answers: dict[str, bytes] = {}

    def open_one(name: str, first: bytes, again: bytes) -> None:
        with limited.connect() as connection:
            stop = threading.Event()

            def go_on() -> None:
                while again and not stop.wait(0.05):
                    try:
                        connection.sendall(again)
                    except OSError:
                        return

            connection.sendall(first)
            sender = threading.Thread(target=go_on)
            sender.start()
            answers[name] = left_open(connection)
            stop.set()
            sender.join()

    start = time.monotonic()
    threads = [threading.Thread(target=open_one, args=(name, *data[:2])) for name, data in SLOW.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name, (_, _, begin) in SLOW.items():
        with proof.case(name):
            assert answers[name].startswith(begin) and bool(answers[name]) == bool(begin), answers[name][:100]
    assert time.monotonic() - start < 20
    assert limited.ask("GET", "/health").status == 200


@pytest.mark.promise(26, gate=1, full=20)
def test_promise_26_connections_are_bounded(proof: Proof, limited: Served) -> None:
    for number in range(proof.count):
        with proof.case(number), ExitStack() as stack:
            open_ones = [stack.enter_context(limited.connect()) for _ in range(LIMITS.connections)]
            deadline = time.monotonic() + 10
            while limited.service.connections < LIMITS.connections and time.monotonic() < deadline:
                time.sleep(0.005)
            with limited.connect() as one_more:
                assert left_open(one_more).startswith(b"HTTP/1.1 503")
            for connection in open_ones:
                connection.close()
        deadline = time.monotonic() + 10
        while limited.service.connections and time.monotonic() < deadline:
            time.sleep(0.005)
        assert limited.ask("GET", "/health").status == 200


@pytest.mark.promise(26, gate=1, full=20)
def test_promise_26_a_full_queue_says_when_to_ask_again(proof: Proof, limited: Served, monkeypatch) -> None:
    [model] = limited.models
    numbers = itertools.count()
    for number in range(proof.count):
        with proof.case(number):
            go, begun = threading.Event(), threading.Event()

            def hold_up(go: threading.Event = go, begun: threading.Event = begun) -> None:
                begun.set()
                go.wait(30)

            monkeypatch.setattr(model.translator, "tick", hold_up)
            statuses: list[int] = []

            def translate_some(count: int, statuses: list[int] = statuses) -> None:
                text = "\n".join(f"ba {next(numbers)}" for _ in range(count))
                statuses.append(limited.post("/translate", {"q": text, **PAIR}).status)

            threads = [threading.Thread(target=translate_some, args=(count,)) for count in (1, 20, 10)]
            threads[0].start()
            assert begun.wait(30)
            for thread, queued in zip(threads[1:], (20, 30), strict=True):
                thread.start()
                deadline = time.monotonic() + 30
                while model.batcher.queued < queued and time.monotonic() < deadline:
                    time.sleep(0.005)
            reply = limited.post("/translate", {"q": "ba", **PAIR})
            assert reply.status == 429 and 1 <= int(reply.headers["retry-after"]) <= 60
            go.set()
            for thread in threads:
                thread.join(30)
            assert statuses == [200, 200, 200]
            monkeypatch.setattr(model.translator, "tick", model.batcher.tick)


@pytest.mark.promise(26, gate=1, full=1)
def test_promise_26_a_request_has_its_time(proof: Proof, serve: Serve, model: Path, monkeypatch) -> None:
    limits = Limits(seconds=0.3)
    with serve([model], limits) as served, proof.case("seconds"):
        [one] = served.models
        tick = one.translator.tick

        def be_slow() -> None:
            time.sleep(0.05)
            tick()

        monkeypatch.setattr(one.translator, "tick", be_slow)
        reply = served.post("/translate", {"q": "ba ce di fo", "source": "xx", "target": "yy"})
        assert reply.status == 503 and reply.headers["retry-after"]
        deadline = time.monotonic() + 10
        while one.batcher.queued and time.monotonic() < deadline:
            time.sleep(0.01)
        monkeypatch.setattr(one.translator, "tick", tick)
        assert served.post("/translate", {"q": "ba", "source": "xx", "target": "yy"}).status == 200


@pytest.mark.promise(26, gate=100, full=5_000)
def test_promise_26_memory_is_bounded(proof: Proof, limited: Served) -> None:
    body = json.dumps({"q": "ba " * 300, **PAIR})
    requests = [
        lambda number: limited.ask("POST", "/translate", b"x" * 9_000_000) if number % 10 == 0 else None,
        lambda number: limited.post("/translate", {"q": f"ba {number}", **PAIR}),
        lambda _: limited.ask("POST", "/translate", body, content_type="application/json"),
    ]
    before = 0
    for number in range(proof.count):
        with proof.case(number):
            requests[number % len(requests)](number)
        if number == proof.count // 2:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
