"""A server on this machine that answers as a test tells it to, byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from attrs import define, field, frozen

EVENTS = "text/event-stream"
_LONGEST_HEAD = 1 << 26


@frozen(kw_only=True)
class PlayedReply:
    """What is answered to one request.

    Args:
        pieces: Bytes of the body; each is sent when the one before it is on its way. An event
            among them is waited for.
        status: Of HTTP.
        media: Type of the body.
        headers: Besides those that any response has.
        chunked: Whether the body tells its end; otherwise the connection's end is its end.
        cut: Whether the connection ends before the body does.
        hold: Whether to say no more after the pieces, until the client leaves.
        raw: Bytes to send instead of an HTTP response.
    """

    pieces: Sequence[bytes | asyncio.Event] = ()
    status: int = 200
    media: str = EVENTS
    headers: Mapping[str, str] = field(factory=dict)
    chunked: bool = True
    cut: bool = False
    hold: bool = False
    raw: bytes | None = None


def json_reply(document: Any, *, status: int = 200, **headers: str) -> PlayedReply:
    """Return a reply that is one JSON document; ``retry_after`` becomes ``retry-after``."""
    return PlayedReply(
        pieces=[json.dumps(document).encode()],
        status=status,
        media="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@frozen
class Asked:
    """What the server was asked.

    Args:
        headers: Their names in small letters.
        connection: Number of the connection on which it came.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    connection: int

    @property
    def body(self) -> Any:
        """The JSON document that was sent, or None."""
        return json.loads(self.raw or b"null")


@define(eq=False)
class ModelServer:
    """A server that gives the replies of a script, one for each request, and keeps the requests.

    It serves for the ``async with`` block. A test plays replies and looks at what was asked::

        async with ModelServer() as server:
            server.play(json_reply({}, status=529), PlayedReply(pieces=[b"data: 1"], cut=True))
            ...
            assert server.bodies[0]["model"] == "m"

    A server that answers without a script overrides ``by_itself``.

    Args:
        base: What its address ends in, such as ``/v1``.
        path: Path of the requests that the script answers; every POST, if empty.
        asked: What it was asked.
        arrived: Set when one of the requests that the script answers has come.
        left: Set when the client has left during a reply that holds.
    """

    base: str = ""
    path: str = ""
    asked: list[Asked] = field(factory=list)
    arrived: asyncio.Event = field(factory=asyncio.Event)
    left: asyncio.Event = field(factory=asyncio.Event)
    _scripts: dict[str, list[PlayedReply]] = field(factory=dict, init=False)
    _tasks: set[asyncio.Task[Any]] = field(factory=set, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)
    _port: int = field(default=0, init=False)
    connections: int = field(default=0, init=False)

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def url(self) -> str:
        """The address, also after it was stopped."""
        return f"http://127.0.0.1:{self._port}{self.base}"

    @property
    def bodies(self) -> list[Any]:
        """The documents of the requests that the script is for."""
        return [one.body for one in self.asked_at(self.path)]

    def asked_at(self, path: str) -> list[Asked]:
        """Return the requests for a path; what was posted, if it is empty."""
        return [one for one in self.asked if (one.path == path if path else one.method == "POST")]

    def play(self, *replies: PlayedReply, path: str | None = None) -> None:
        """Write replies into the script, for its own path or for another one."""
        self._scripts.setdefault(self.path if path is None else path, []).extend(replies)

    def forget(self) -> None:
        """Take out of the script what was not asked for."""
        self._scripts.clear()

    def by_itself(self, asked: Asked) -> PlayedReply:
        """Return the reply to a request for which there is none in the script."""
        return json_reply({"error": {"message": f"no reply for {asked.path}"}}, status=404)

    async def stop(self) -> None:
        """Close every connection; from now on, nobody listens at the address."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            while (asked := await _read(reader, number)) is not None:
                self.asked.append(asked)
                if not await self._answer(self._next(asked), reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()
            self._tasks.discard(task)

    def _next(self, asked: Asked) -> PlayedReply:
        posted = asked.method == "POST"
        if asked.path == self.path or (posted and not self.path):
            self.arrived.set()
        for key in (asked.path, "") if posted else (asked.path,):
            if script := self._scripts.get(key):
                return script.pop(0)
        return self.by_itself(asked)

    async def _answer(
        self, reply: PlayedReply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Send a reply and tell whether the connection stays."""
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        writer.write(_head(reply))
        for piece in reply.pieces:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            elif piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if reply.chunked else piece)
                await writer.drain()
        if reply.hold:
            await reader.read(1)
            self.left.set()
            return False
        if reply.chunked and not reply.cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return reply.chunked and not reply.cut


def _head(reply: PlayedReply) -> bytes:
    way = {"transfer-encoding": "chunked"} if reply.chunked else {"connection": "close"}
    headers = {"content-type": reply.media, **way, **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} So", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked | None:
    """Read a request; None if there is none, or if it is not HTTP."""
    try:
        first = await reader.readexactly(1)
        if not first.isalpha():
            return None
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Asked(method, path, headers, await _body(reader, headers), connection)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body
