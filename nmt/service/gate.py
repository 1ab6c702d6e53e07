"""The gate before all routes: who may come in, how large and how slow a request may be, and what every answer bears."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nmt.errors import DataError, MemoryExhaustedError
from nmt.service.batcher import QueueFullError
from nmt.service.hosts import Hosts, is_same_origin
from nmt.service.keys import Keys, key_of
from nmt.service.limits import Limits, RefusedError
from nmt.service.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

WITHOUT_KEY = frozenset({"/health", "/"})
"""Paths that need no key: they tell nothing, and the page asks for the key itself."""

KEY_IN_BODY = frozenset({"/translate", "/detect", "/languages", "/frontend/settings"})
"""Paths of LibreTranslate's interface, whose clients send the key as the field `api_key`; their routes check it."""

DISCARDED = 1 << 24
"""Maximum number of bytes that are read, and forgotten, of a body too large, so that its sender reads the answer."""

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

logger = logging.getLogger(__name__)


@dataclass
class Gate:
    """An application of ASGI around another.

    Attributes:
        app: that answers what is let in.
        limits: of requests.
        keys: that let in.
        hosts: names of this server.
        origins: pages of other servers that may ask.
        metrics: that count requests.
        paths: that the application has, by which requests are counted.
        is_stopping: True once no request is taken any more.
        tells: each request is logged, without its text.
    """

    app: App
    limits: Limits
    keys: Keys
    hosts: Hosts
    origins: frozenset[str]
    metrics: Metrics
    paths: frozenset[str]
    is_stopping: bool = False
    tells: bool = False
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            return
        answer = _Answer(send, _header(scope, b"origin") if self._is_foreign(scope) else "")
        started = time.monotonic()
        self.metrics.in_progress += 1
        try:
            async with asyncio.timeout(self.limits.read_seconds + self.limits.seconds):
                await self._guarded(scope, receive, answer)
        except TimeoutError:
            await _refuse(answer, RefusedError(503, "took too long", retry_after=5, close=True))
        except _GoneError:
            self.metrics.cancelled += 1
        finally:
            self.metrics.in_progress -= 1
            if not self.metrics.in_progress:
                self._idle.set()
            seconds = time.monotonic() - started
            path = scope["path"] if scope["path"] in self.paths else "other"
            if answer.status:
                self.metrics.answered(path, answer.status, seconds)
            if self.tells:
                logger.info("%s %s %s %.3f s", scope["method"], path, answer.status or "gone", seconds)

    async def idle(self) -> None:
        """Waits until no request is in progress."""
        while self.metrics.in_progress:
            self._idle.clear()
            await self._idle.wait()

    async def _guarded(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            self._let_in(scope)
            if self._is_preflight(scope):
                await answer.send_all(204, [(b"access-control-max-age", b"600"), *_PREFLIGHT], b"")
                return
            body = await self._body(scope, receive)
            try:
                async with asyncio.timeout(self.limits.seconds):
                    await self._until_gone(scope, body, receive, answer)
            finally:
                self.metrics.finished += answer.is_complete
        except RefusedError as error:
            if error.close and error.status == 413 and not _header(scope, b"expect"):
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await _discard(receive, DISCARDED)
            await _refuse(answer, error)
        except QueueFullError as error:
            await _refuse(answer, RefusedError(429, "too many requests", retry_after=error.seconds))
        except MemoryExhaustedError:
            await _refuse(answer, RefusedError(503, "out of memory", retry_after=5))
        except DataError:
            await _refuse(answer, RefusedError(413, "too long to be shown"))
        except (TimeoutError, _GoneError):
            raise
        except Exception as error:
            tell_of_fault(error)
            await _refuse(answer, RefusedError(500, "a fault in nmt; the log says where"))

    def _let_in(self, scope: Scope) -> None:
        """Refuses a request by its head."""
        if self.is_stopping:
            raise RefusedError(503, "is stopping", retry_after=10, close=True)
        if not self.hosts.admit(_header(scope, b"host")):
            raise RefusedError(403, "is not served under this name; --allow-host NAME allows it", close=True)
        origin = _header(scope, b"origin")
        if origin and not self._is_foreign(scope) and not is_same_origin(origin, _header(scope, b"host")):
            raise RefusedError(403, "asked by a page from elsewhere; --allow-origin ORIGIN allows it", close=True)
        if self.keys and not self._is_preflight(scope) and scope["path"] not in WITHOUT_KEY:
            scope["has_key"] = self.keys.admit(key_of(_header(scope, b"authorization")) or "")
            if not scope["has_key"] and scope["path"] not in KEY_IN_BODY:
                raise RefusedError(403, "needs a key: Authorization: Bearer KEY")
        else:
            scope["has_key"] = True

    def _is_foreign(self, scope: Scope) -> bool:
        """Returns whether a page of another server asks, one of those that may."""
        return _header(scope, b"origin") in self.origins

    def _is_preflight(self, scope: Scope) -> bool:
        return scope["method"] == "OPTIONS" and self._is_foreign(scope)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Reads the body of a request; refuses one that is too large or too slow."""
        too_large = RefusedError(413, f"a body of more than {self.limits.body} bytes", close=True)
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length[:20]) > self.limits.body:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self.limits.read_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    body += message.get("body", b"")
                    if len(body) > self.limits.body:
                        raise too_large
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise RefusedError(408, "the body came too slowly", close=True) from None

    async def _until_gone(self, scope: Scope, body: bytes, receive: Receive, answer: _Answer) -> None:
        """Lets the application answer, unless the client goes away meanwhile."""
        is_read = False

        async def read() -> Message:
            nonlocal is_read
            if is_read:
                await asyncio.Event().wait()  # until this is cancelled, when the client has gone
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        answering = asyncio.ensure_future(self.app(scope, read, answer))
        watching = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise _GoneError
            answering.result()
        finally:
            for task in (answering, watching):
                if not task.done():
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task


class _GoneError(Exception):
    """The client went away."""


class _Answer:
    """What an application sends, with the headers that every answer has."""

    def __init__(self, send: Send, origin: str) -> None:
        self._send = send
        self._origin = origin
        self.status = 0
        self.is_complete = False

    async def __call__(self, message: Message) -> None:
        """Sends a message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name for name, _ in given}
            extra = [header for header in _HEADERS if header[0] not in names]
            if b"content-security-policy" not in names:
                extra.append((b"content-security-policy", _POLICY))
            if self._origin:
                extra += [(b"access-control-allow-origin", self._origin.encode("latin-1")), (b"vary", b"Origin")]
            message = {**message, "headers": given + extra}
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self.is_complete = True
        await self._send(message)

    async def send_all(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Sends an answer."""
        length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers + length})
        await self({"type": "http.response.body", "body": body})


_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"Authorization, Content-Type"),
]


async def _refuse(answer: _Answer, error: RefusedError) -> None:
    """Answers with an error; if another answer has begun, ends the connection, so that its reader sees it is cut."""
    if answer.status:
        raise ConnectionAbortedError(error.what)
    headers = [(b"content-type", b"application/json")]
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if error.allow:
        headers.append((b"allow", error.allow.encode()))
    if error.close:
        headers.append((b"connection", b"close"))
    await answer.send_all(error.status, headers, json.dumps({"error": error.what}).encode())


async def _gone(receive: Receive) -> None:
    """Returns when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _discard(receive: Receive, most: int) -> None:
    """Reads the rest of a body, but not more than so many bytes."""
    while most > 0:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return
        most -= len(message.get("body", b""))


def tell_of_fault(error: BaseException) -> None:
    """Logs where an unexpected error arose; its message may hold a user's text, and is not logged."""
    frames = traceback.extract_tb(error.__traceback__)
    places = ", ".join(f"{frame.filename.rpartition('/nmt/')[2]}:{frame.lineno}" for frame in frames[-3:])
    logger.error("a fault in nmt: %s at %s", type(error).__name__, places)


def _header(scope: Scope, name: bytes) -> str:
    """Returns the value of a header; of one that comes twice all of it, so that it is not accepted."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
