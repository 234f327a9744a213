"""A server that speaks as OpenAI does, and counts as far as it may.

See https://platform.openai.com/docs/api-reference/chat/streaming.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field, frozen

MODEL = "openai/gpt-4o-mini"
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@frozen(kw_only=True)
class Reply:
    """What is answered.

    Args:
        pieces: Bytes of the body.
        cut: Whether the connection ends before the body does.
        hold: Whether to say no more after the pieces, until the client leaves.
    """

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: dict[str, str] = field(factory=dict)
    cut: bool = False
    hold: bool = False


def chunk(*, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """Return a chunk of an answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }


def usage(prompt: int = 11, completion: int = 3, *, cached: int = 0) -> dict[str, Any]:
    """Return the chunk that counts."""
    counted = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return {**chunk(), "choices": [], "usage": counted}


def events(*documents: Any) -> list[bytes]:
    """Return the events of a stream."""
    return [*(f"data: {json.dumps(one)}\n\n".encode() for one in documents), b"data: [DONE]\n\n"]


def refusal(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """Return an error."""
    error = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    return Reply(status=status, pieces=[json.dumps(error).encode()], headers=headers)


@define(eq=False)
class PlayedOpenAI:
    """The server; ``replies`` are given in turn, then it answers by itself."""

    url: str = ""
    replies: list[Reply] = field(factory=list)
    asked: list[Any] = field(factory=list)
    keys: list[str] = field(factory=list)
    arrived: asyncio.Event = field(factory=asyncio.Event)
    left: asyncio.Event = field(factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.left.set()
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        except asyncio.IncompleteReadError:
            return False
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.asked.append(body)
        self.keys.append(headers["authorization"].removeprefix("bearer "))
        self.arrived.set()
        reply = self.replies.pop(0) if self.replies else self._by_itself(body)
        media = "text/event-stream" if reply.status == 200 else "application/json"
        more = {"Content-Type": media, "Transfer-Encoding": "chunked", **reply.headers}
        heads = [f"{name}: {value}" for name, value in more.items()]
        writer.write("\r\n".join([f"HTTP/1.1 {reply.status} So", *heads, "", ""]).encode())
        for piece in reply.pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if reply.hold:
            await reader.read(1)
            self.left.set()
            return False
        if not reply.cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return not reply.cut

    def _by_itself(self, body: Any) -> Reply:
        if f"openai/{body['model']}" != MODEL:
            return refusal(404, f"The model {body['model']} does not exist", "model_not_found")
        most = body.get("max_tokens") or body["max_completion_tokens"]
        told = [chunk(content=f"{word} ") for word in (WORDS * 7)[:most]]
        end = [chunk(finish="stop"), usage(completion=len(told))]
        return Reply(pieces=events(chunk(role="assistant", content=""), *told, *end))


@asynccontextmanager
async def playing() -> AsyncIterator[PlayedOpenAI]:
    """Run a server for the block."""
    played = PlayedOpenAI()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await played.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
    played.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield played
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
