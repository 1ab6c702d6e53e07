"""The server: its socket, its connections, and the signals that stop it or let it take up better checkpoints."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from nmt.errors import AddressInUseError, ConfigError, NmtError
from nmt.service.application import Admission, application
from nmt.service.gate import tell_of_fault
from nmt.service.limits import Limits
from nmt.service.models import Models

BACKLOG = 512
"""Connections that the system holds before they are accepted."""

_SILENT = 1.0  # seconds between two looks for connections that have been silent for too long
_UNREAD = 0.05  # the same between two looks if all answers have been taken
_TOO_MANY_TEXT = b'{"error": "too many connections"}'
_TOO_MANY = b"\r\n".join(
    [
        b"HTTP/1.1 503 Service Unavailable",
        b"content-type: application/json",
        b"content-length: %d" % len(_TOO_MANY_TEXT),
        b"retry-after: 5",
        b"connection: close",
        b"",
        _TOO_MANY_TEXT,
    ]
)

logger = logging.getLogger(__name__)


class Stopped(NamedTuple):
    """How a server came to its end: by which signal, and what became of the requests that it had taken."""

    signal: int
    answered: int
    unanswered: int


def bind(host: str, port: int) -> socket.socket:
    """Takes the address to listen at; port 0 is any that is free.

    Raises:
        AddressInUseError: another program listens there.
        ConfigError: there is no such address here, or it may not be used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError("--host", f"is {host}, which is no address of this machine") from error
    family, kind, protocol, _, address = found[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        opened.close()
        raise _not_bound(host, port, error) from error
    return opened


def _not_bound(host: str, port: int, error: OSError) -> NmtError:
    if error.errno == errno.EADDRINUSE:
        what = "another program listens here; --port takes another, and 0 any that is free"
        return AddressInUseError(f"{host}:{port}", what)
    return ConfigError("--host", f"{host}, port {port}: {error.strerror}")


class ModelServer:
    """Models behind a socket."""

    def __init__(
        self, models: Models, limits: Limits, admission: Admission, *, grace: float = 30.0, tells: bool = False
    ) -> None:
        """Within `grace` seconds after it was asked to stop, requests are finished; `tells` logs each, without text."""
        self._models = models
        self._limits = limits
        self._keys = admission.keys
        self._grace = grace
        self._app = application(models, limits, admission, connections=lambda: self.connections, tells=tells)
        self._server: _Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signal = 0
        self._address = ("", 0)
        self._stopping: asyncio.Event | None = None
        self._is_loading = False
        self._loads_again = False

    def run(self, opened: socket.socket, tell: Callable[[], None] = lambda: None) -> Stopped:
        """Serves at a socket that was bound, until it is told to stop: by `stop`, SIGTERM or SIGINT.

        Calls `tell` once all models have translated. Raises what their first translation does, what ended a worker,
        and AddressInUseError if another program listens at the address by now. In another thread than the main one no
        signal is received.
        """
        return asyncio.run(self._run(opened, tell))

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stops the service as the signal of this number does; may be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop, number)

    async def _run(self, opened: socket.socket, tell: Callable[[], None]) -> Stopped:
        self._loop = asyncio.get_running_loop()
        self._address = opened.getsockname()[:2]
        self._loop.set_exception_handler(_report)
        self._stopping = asyncio.Event()
        self._receive_signals()
        self._server = _Server(self._app, self._limits)
        serving = asyncio.ensure_future(self._server.serve(sockets=[opened]))
        watching = asyncio.ensure_future(self._server.close_silent(self._limits))
        stopping = asyncio.ensure_future(self._stopping.wait())
        workers = [model.batcher.start() for model in self._models]
        ready = asyncio.ensure_future(self._get_ready(tell))
        ends: list[asyncio.Future[Any]] = [stopping, serving, *workers]
        try:
            await asyncio.wait([ready, *ends], return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                ready.result()
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for worker in workers:
                if worker.done():
                    worker.result()
            unanswered = await self._finish(opened)
        finally:
            for task in (ready, stopping, watching):
                task.cancel()
            self._server.should_exit = True
            try:
                await serving
            except OSError as error:
                raise _not_bound(*self._address, error) from error
            finally:
                self._models.close()
        return Stopped(self._signal, self._app.metrics.finished, unanswered)

    def _receive_signals(self) -> None:
        if self._loop is None or threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop, number)
        if hasattr(signal, "SIGHUP"):
            self._loop.add_signal_handler(signal.SIGHUP, self._take_up)

    async def _get_ready(self, tell: Callable[[], None]) -> None:
        for model in self._models:
            await model.get_ready()
        tell()

    async def _finish(self, opened: socket.socket) -> int:
        """Closes the socket, and waits for the requests that were taken; returns how many were not answered in time."""
        assert self._server is not None
        self._server.stop_listening(opened)
        self._app.is_stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await self._app.idle()
                await self._server.all_read()
        return self._app.metrics.in_progress + self._server.unread

    def _stop(self, number: int) -> None:
        if self._signal:  # asked twice
            os._exit(128 + number)
        self._signal = number
        assert self._stopping is not None
        self._stopping.set()

    def _take_up(self) -> None:
        """Reads the keys and loads the models again; once more where it is asked to while they are being loaded."""
        if self._is_loading:
            self._loads_again = True
            return
        self._is_loading, self._loads_again = True, False
        threading.Thread(target=self._load, name="nmt-loading", daemon=True).start()

    def _load(self) -> None:
        try:
            self._take_up_keys()
            self._models.take_up()
        except Exception as error:
            tell_of_fault(error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the service has ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loaded)

    def _take_up_keys(self) -> None:
        try:
            self._keys.take_up()
        except NmtError as error:
            logger.warning("%s; the keys read before stay valid", error)

    def _loaded(self) -> None:
        self._is_loading = False
        if self._loads_again:
            self._take_up()

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return 0 if self._server is None else len(self._server.server_state.connections)


class _Server(uvicorn.Server):
    """Uvicorn's server, whose signals and limits of connections are ours."""

    def __init__(self, app: Any, limits: Limits) -> None:
        class Connection(H11Protocol):
            """A connection; one too many is answered and closed."""

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if len(self.connections) > limits.connections:
                    transport.write(_TOO_MANY)
                    transport.close()

        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=max(1, round(limits.read_seconds)),
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=limits.header,
        )
        super().__init__(config)
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
            logging.getLogger(name).disabled = True  # they tell of a client's bytes, and of errors with their texts

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `ModelServer`."""
        yield

    def stop_listening(self, opened: socket.socket) -> None:
        """Closes the socket; open connections stay."""
        for server in getattr(self, "servers", []):
            server.close()
        opened.close()

    async def close_silent(self, limits: Limits) -> None:
        """Closes, again and again, connections that have for too long neither had a request nor got one to its end.

        An answer has its own time to be read in, so that a slow reader gets all of it.
        """
        since: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        while True:
            await asyncio.sleep(_SILENT)
            now = time.monotonic()
            connections: list[Any] = list(self.server_state.connections)
            for connection in connections:
                is_busy = connection.cycle is not None and not connection.cycle.response_complete
                seconds = limits.seconds if _has_unsent(connection) else limits.read_seconds
                if is_busy:
                    since.pop(connection, None)
                elif now - since.setdefault(connection, now) > seconds:
                    connection.transport.abort()

    @property
    def unread(self) -> int:
        """Number of connections whose client has not yet taken all of an answer."""
        return sum(map(_has_unsent, self.server_state.connections))

    async def all_read(self) -> None:
        """Waits until all answers have been taken."""
        while self.unread:
            await asyncio.sleep(_UNREAD)


def _has_unsent(connection: Any) -> bool:
    return bool(connection.transport.get_write_buffer_size())


def _report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if error is not None:
        tell_of_fault(error)
