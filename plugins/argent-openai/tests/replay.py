"""A server that answers as it is told to, byte by byte, and sees when it is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field, frozen

EVENTS = "text/event-stream"
_NAMES = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 429: "Too Many Requests"}


@frozen(kw_only=True)
class Reply:
    """What is answered.

    Args:
        pieces: Bytes of the body; each is sent when the one before it is on its way. An event
            among them is waited for.
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


@frozen
class Asked:
    """What was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    connection: int


@define(eq=False)
class Replay:
    """The server. ``replies`` are given in turn to what is posted, the last one again and again,
    unless ``choose`` finds one by the body.
    """

    url: str = ""
    replies: list[Reply] = field(factory=list)
    choose: Callable[[Any], Reply] | None = None
    models: Reply | None = None
    asked: list[Asked] = field(factory=list)
    arrived: asyncio.Event = field(factory=asyncio.Event)
    left: asyncio.Event = field(factory=asyncio.Event)
    _connections: int = 0

    @property
    def posted(self) -> list[Asked]:
        """What was posted."""
        return [one for one in self.asked if one.method == "POST"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._connections += 1
        number = self._connections
        try:
            while await self._one(reader, writer, number):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        try:
            first = await reader.readexactly(1)
            if not first.isalpha():
                return False
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError:
            return False
        method, path, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(Asked(method, path, headers, json.loads(body or b"null"), number))
        if method == "POST":
            self.arrived.set()
        return await self._answer(self._next(method), reader, writer)

    def _next(self, method: str) -> Reply:
        if method == "GET":
            return self.models or Reply(status=404, pieces=[b"{}"], media="application/json")
        if self.choose is not None:
            return self.choose(self.asked[-1].body)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    async def _answer(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        more = {"Content-Type": reply.media, **reply.headers}
        more |= {"Transfer-Encoding": "chunked"} if reply.chunked else {"Connection": "close"}
        lines = [f"HTTP/1.1 {reply.status} {_NAMES.get(reply.status, 'So')}"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for piece in reply.pieces:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
                continue
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.chunked else piece)
            await writer.drain()
        if reply.hold:
            await reader.read(1)
            self.left.set()
            return False
        if reply.chunked and not reply.cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return reply.chunked and not reply.cut


@asynccontextmanager
async def replaying(*replies: Reply, models: Reply | None = None) -> AsyncIterator[Replay]:
    """Run a server for the block."""
    replay = Replay(replies=list(replies), models=models)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await replay.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
    replay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield replay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def events(*documents: Any, end: bytes = b"data: [DONE]\n\n") -> list[bytes]:
    """Return the events of a stream."""
    written = [f"data: {json.dumps(one, ensure_ascii=False)}\n\n".encode() for one in documents]
    return [*written, end] if end else written


def chunk(*, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """Return a chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def usage(prompt: int = 11, completion: int = 3, **more: Any) -> dict[str, Any]:
    """Return the chunk that counts."""
    counted = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **more,
    }
    return {"object": "chat.completion.chunk", "choices": [], "usage": counted}


def call(
    index: int | None, arguments: str, *, id: str | None = None, name: str | None = None
) -> dict[str, Any]:
    """Return a piece of a tool call."""
    piece: dict[str, Any] = {"function": {"arguments": arguments}}
    piece |= {"index": index} if index is not None else {}
    piece |= {"id": id, "type": "function"} if id is not None else {}
    if name is not None:
        piece["function"]["name"] = name
    return piece


HELLO = (
    chunk(role="assistant", content=""),
    chunk(content="Hel"),
    chunk(content="lo, wörld 🙂"),
    chunk(finish="stop"),
    usage(),
)
"""The chunks of a short answer."""


def hello() -> Reply:
    """Return a short answer."""
    return Reply(pieces=events(*HELLO))


def refusal(status: int, error: Any, **headers: str) -> Reply:
    """Return an error of the usual form."""
    body = json.dumps({"error": error}).encode()
    return Reply(status=status, pieces=[body], media="application/json", headers=headers)
