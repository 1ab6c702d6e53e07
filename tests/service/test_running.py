"""Claims about a service that runs: better checkpoints, readiness, what is logged, and what every answer bears."""

from __future__ import annotations

import http.client
import json
import logging
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from nmt.errors import ModelError
from nmt.service.application import Admission
from nmt.service.batcher import Batcher
from nmt.service.keys import read_keys
from nmt.service.limits import Limits
from nmt.service.models import Loader
from nmt.service.tasks import PlainTranslation
from nmt.translation.translator import Translator
from served import Serve, Served

PAIR = {"source": "xx", "target": "yy"}


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that any logger says."""
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(self.format(record))

    listener, loggers = Listener(), [logging.getLogger(), logging.getLogger("nmt")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.addHandler(listener)
        one.setLevel(logging.DEBUG)
    yield messages
    for one, level in zip(loggers, before, strict=True):
        one.removeHandler(listener)
        one.setLevel(level)


def test_a_better_checkpoint_is_taken_up_without_dropping_a_request(
    serve: Serve, model: Path, learned: Path, tmp_path: Path
) -> None:
    served_from = tmp_path / "served"
    shutil.copytree(model, served_from)
    line = "ba ce di fo"
    old, new = (str(Translator.load(path).translate([line])[0]) for path in (model, learned))
    assert old != new
    with serve([served_from]) as served:
        answers: list[tuple[int, str]] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                reply = served.post("/translate", {"q": line, **PAIR})
                answers.append((reply.status, reply.json.get("translatedText")))

        asking = threading.Thread(target=ask)
        asking.start()
        served.models.take_up()
        assert served.post("/translate", {"q": line, **PAIR}).json["translatedText"] == old
        shutil.rmtree(served_from)
        served.models.take_up()  # there is none, and the one before goes on
        assert served.post("/translate", {"q": line, **PAIR}).json["translatedText"] == old
        shutil.copytree(learned, served_from)
        served.models.take_up()
        assert served.post("/translate", {"q": line, **PAIR}).json["translatedText"] == new
        stop.set()
        asking.join()
    assert {old} <= {text for _, text in answers} <= {old, new} and {status for status, _ in answers} == {200}


def test_sighup_takes_up_a_better_checkpoint(
    start_forked: Callable[..., subprocess.Popen[bytes]], model: Path, learned: Path, tmp_path: Path
) -> None:
    served_from, line = tmp_path / "served", "ba ce di fo"
    shutil.copytree(model, served_from)
    with start_forked("serve", served_from, "--port", 0) as running:
        assert running.stderr is not None
        found = re.search(rb":(\d+)/$", running.stderr.readline().strip())
        assert found

        def translated() -> str:
            fields = json.dumps({"q": line, **PAIR}).encode()
            request = Request(
                f"http://127.0.0.1:{int(found[1])}/translate", fields, {"Content-Type": "application/json"}
            )
            with urlopen(request, timeout=30) as answer:
                return json.load(answer)["translatedText"]

        assert translated() == str(Translator.load(model).translate([line])[0])
        running.send_signal(signal.SIGHUP)
        assert running.stderr.readline() == b"served: unchanged\n"
        shutil.rmtree(served_from)
        shutil.copytree(learned, served_from)
        running.send_signal(signal.SIGHUP)  # perhaps while the first is not quite done with
        assert running.stderr.readline() == b"served: a new checkpoint is served\n"
        assert translated() == str(Translator.load(learned).translate([line])[0])
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0


def test_keys_are_taken_up_and_wrong_ones_are_not(serve: Serve, model: Path, tmp_path: Path, logged: list[str]) -> None:
    path, first, second = tmp_path / "keys", "first" * 4, "second" * 4
    path.write_text(f"{first}\n")

    def statuses(served: Served) -> list[int]:
        headers = [{"authorization": f"Bearer {key}"} for key in (first, second)]
        return [served.ask("GET", "/v1/models", **header).status for header in headers]

    def take_up(served: Served) -> None:
        thread = threading.Thread(target=served.service._load)
        thread.start()
        thread.join(60)

    with serve([model], admission=Admission(read_keys(path))) as served:
        assert statuses(served) == [200, 403]
        path.write_text(f"{second}\n")
        take_up(served)
        assert statuses(served) == [403, 200]
        path.write_text("short\n")
        take_up(served)
        assert statuses(served) == [403, 200]
        assert any("is no key" in line and "stay valid" in line for line in logged)


def test_it_connects_to_nobody(serve: Serve, model: Path) -> None:
    """Promise 21 for the service: it answers, and asks nobody."""
    asked: list[tuple[str, Any]] = []
    here = threading.current_thread()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if (
            event in ("socket.connect", "socket.sendto", "socket.getaddrinfo")
            and threading.current_thread() is not here
        ):
            asked.append((event, arguments[1:]))

    sys.addaudithook(note)  # which cannot be taken back; it costs little
    with serve([model]) as served:
        for path in ("/", "/languages", "/health", "/metrics", "/openapi.json", "/v1/models", "/frontend/settings"):
            assert served.ask("GET", path).status == 200
        for path in ("/translate", "/detect", "/v1/translate", "/v1/attend"):
            fields = {"text": "ba ce"} if path.startswith("/v1") else {"q": "ba ce", **PAIR}
            assert served.post(path, fields).status == 200
        served.models.take_up()
    assert asked == []


def test_a_fault_of_a_worker_ends_the_service(serve: Serve, model: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    failed: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: failed.append(arguments.exc_value))
    with serve([model]) as served:
        monkeypatch.setattr(Batcher, "_take", fail)
        with suppress(ConnectionError, http.client.HTTPException):
            assert served.post("/translate", {"q": "ba", **PAIR}).status >= 500
        served.thread.join(30)
        assert not served.thread.is_alive()
    assert isinstance(failed[0], ZeroDivisionError)


def test_all_that_torch_computes_is_computed_in_one_thread(
    serve: Serve, model: Path, tmp_path: Path, monkeypatch
) -> None:
    """See `ComputingThread`: in a second one a short sentence would take almost twice as long."""
    threads: set[str] = set()

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **others: Any) -> Any:
            threads.add(threading.current_thread().name)
            return function(*arguments, **others)

        return note

    for owner, name in ((Loader, "load"), (Translator, "translate"), (Translator, "attend_lines")):
        monkeypatch.setattr(owner, name, noting(getattr(owner, name)))
    other = tmp_path / "other"
    shutil.copytree(model, other)
    with serve([model, other]) as served:
        for name in (model.name, other.name):
            assert served.post("/v1/translate", {"text": "ba ce", "model": name}).status == 200
            assert served.post("/v1/attend", {"text": "ba ce", "model": name}).status == 200
    assert threads == {"nmt-computing"}


def test_a_model_that_cannot_translate_ends_the_service(serve: Serve, model: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ModelError("weights", "its scores are not finite")

    monkeypatch.setattr(PlainTranslation, "run", fail)
    failed: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: failed.append(arguments.exc_value))
    with pytest.raises(AssertionError), serve([model], ready_within=5):
        pass
    assert isinstance(failed[0], ModelError)


def test_health_is_503_until_a_translation_has_been_made(service: Served) -> None:
    [model] = service.models
    model.is_ready = False
    reply = service.ask("GET", "/health")
    model.is_ready = True
    assert reply.status == 503 and reply.headers["retry-after"]
    assert service.ask("GET", "/health").status == 200


def test_no_text_is_logged(serve: Serve, model: Path, logged: list[str], monkeypatch) -> None:
    secret = "hyperhush"
    with serve([model], tells=True) as served:
        served.post("/translate", {"q": secret, **PAIR})
        served.post("/v1/translate", {"text": secret, "alignment": "soft"})
        served.post("/v1/translate", {"text": 5, secret: secret})
        served.ask("GET", f"/{secret}?q={secret}", referer=secret)
        with served.connect() as connection:
            connection.sendall(f"{secret}\r\n\r\n".encode())
            connection.recv(100)

        def fail(_: object, __: object, texts: list[str]) -> None:
            raise ValueError(texts[0])

        monkeypatch.setattr(PlainTranslation, "run", fail)
        reply = served.post("/translate", {"q": secret, **PAIR})
        assert reply.status == 500 and secret not in reply.body.decode()
    told = "\n".join(logged)
    assert "POST /translate 200" in told and "ValueError at" in told and "GET other 404" in told
    assert secret not in told


@pytest.mark.parametrize("path", ["/", "/languages", "/none", "/v1/translate"])
def test_every_answer_bears_the_headers_that_protect(path: str, service: Served) -> None:
    headers = service.ask("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
    assert "server" not in headers and "access-control-allow-origin" not in headers


@contextmanager
def asked_for_much(served: Served) -> Iterator[tuple[socket.socket, bytes]]:
    """Asks for more than a socket holds; gives the connection, and of the answer the head and some of the body."""
    body = json.dumps({"text": "ba ce " * 1500, "split_sentences": False, "alignment": "soft", "beam_size": 1}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", served.port))
        head = f"POST /v1/translate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        yield connection, connection.recv(1 << 10)


def read_all(connection: socket.socket, first: bytes) -> tuple[int, int]:
    """Reads an answer; returns how long it is to be, and how long it is."""
    head, _, body = first.partition(b"\r\n\r\n")
    [length] = re.findall(rb"content-length: (\d+)", head)
    count = len(body)
    while count < int(length) and (block := connection.recv(1 << 20)):
        count += len(block)
    return int(length), count


@pytest.mark.slow
def test_who_reads_slowly_gets_all_of_an_answer(serve: Serve, model: Path) -> None:
    with serve([model], Limits(read_seconds=0.5)) as served, asked_for_much(served) as (connection, first):
        time.sleep(3)  # several times as long as a silent connection stays
        expected, found = read_all(connection, first)
        assert found == expected > 10_000_000


def test_an_answer_is_read_to_its_end_while_the_service_stops(serve: Serve, model: Path) -> None:
    with serve([model]) as served, asked_for_much(served) as (connection, first):
        served.service.stop()
        time.sleep(2.5)
        expected, found = read_all(connection, first)
        assert found == expected > 10_000_000
        served.thread.join(30)
        assert served.ended[0].unanswered == 0
