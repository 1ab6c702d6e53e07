"""A service inside this process, at a real socket, that all tests of a process share; and others with other limits."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from nmt.service.application import Admission
from nmt.service.limits import Limits
from nmt.service.models import Loader, Models, load_models
from nmt.service.server import ModelServer, Stopped, bind


@dataclass(frozen=True)
class Reply:
    """An answer of the service."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Served:
    """A service that runs."""

    port: int
    models: Models
    service: ModelServer
    thread: threading.Thread
    ended: list[Stopped]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/"

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, *, timeout: float = 60, **headers: str
    ) -> Reply:
        """Sends one request over a connection of its own; underscores in names of headers are hyphens."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path: str, document: Any, **headers: str) -> Reply:
        """Sends JSON."""
        return self.ask("POST", path, json.dumps(document), **{"content_type": "application/json"} | headers)

    def connect(self) -> socket.socket:
        """Opens a connection and sends nothing."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def stop(self) -> Stopped:
        """Stops the service as SIGTERM does, and waits for its end."""
        self.service.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.ended[0]


Serve = Callable[..., AbstractContextManager[Served]]


@contextmanager
def serving(
    paths: Sequence[Path],
    limits: Limits | None = None,
    admission: Admission | None = None,
    *,
    grace: float = 30.0,
    tells: bool = False,
    ready_within: float = 60,
    ensemble: Sequence[Path] = (),
) -> Iterator[Served]:
    """Runs a service as long as the `with` block lasts."""
    limits = limits or Limits()
    models = load_models(paths, Loader("cpu", "fp32"), limits.queue, ensemble=ensemble)
    service = ModelServer(models, limits, admission or Admission(), grace=grace, tells=tells)
    opened, ready, ended = bind("127.0.0.1", 0), threading.Event(), []

    def run() -> None:
        ended.append(service.run(opened, ready.set))

    thread = threading.Thread(target=run)
    port = opened.getsockname()[1]
    thread.start()
    assert ready.wait(ready_within)
    served = Served(port, models, service, thread, ended)
    try:
        yield served
    finally:
        if thread.is_alive():
            served.stop()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Runs a service of its own for a test: for limits, keys and the like."""
    return serving


@pytest.fixture(scope="session")
def service(model: Path) -> Iterator[Served]:
    """The service of a tiny model, with the limits that are the default; to be asked only."""
    with serving([model]) as served:
        yield served
