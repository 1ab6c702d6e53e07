"""Many clients of a service at once: short HTTP/1.1 in asyncio, which can also vanish in the middle."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple, Self


class Answer(NamedTuple):
    """An answer that came whole."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection that is opened when it is needed, and kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.vanish()

    async def send(self, path: str, document: Any, **headers: str) -> asyncio.StreamReader:
        """Sends a request, and does not wait for its answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        body = json.dumps(document).encode()
        fields = {"host": "localhost", "content-length": str(len(body)), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await writer.drain()
        return reader

    async def post(self, path: str, document: Any, **headers: str) -> Answer | None:
        """Sends a request and reads its answer; None if the connection ended before a byte of it came."""
        try:
            reader = await self.send(path, document, **headers)
            first = await reader.readline()
        except (ConnectionError, OSError):
            first = b""
        if not first:
            self.vanish()
            return None
        status = int(first.split()[1])
        found: dict[str, str] = {}
        while line := (await reader.readline()).rstrip():
            name, _, value = line.decode().partition(":")
            found[name.lower()] = value.strip()
        body = await reader.readexactly(int(found["content-length"]))
        if found.get("connection") == "close":
            self.vanish()
        return Answer(status, found, body)

    def vanish(self) -> None:
        """Ends the connection at once."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
