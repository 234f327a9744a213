"""A server that speaks as Ollama does: https://docs.ollama.com/api.

It has models that count, as long as they may; a test can put its own answers before that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field, frozen

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SMALL = "llama3.2:latest"


@frozen(kw_only=True)
class Reply:
    """What is answered.

    Args:
        pieces: Bytes of the body. An event among them is waited for.
        cut: Whether the connection ends before the body does.
        hold: Whether to say no more after the pieces, until the client leaves.
    """

    pieces: Sequence[bytes | asyncio.Event] = ()
    status: int = 200
    headers: dict[str, str] = field(factory=dict)
    cut: bool = False
    hold: bool = False


@frozen
class Asked:
    """What was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


def lines(*documents: Any) -> list[bytes]:
    """Return documents, each in a line."""
    return [json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in documents]


def said(content: str = "", **more: Any) -> dict[str, Any]:
    """Return a document of an answer."""
    message = {"role": "assistant", "content": content, **more}
    return {"model": "m", "created_at": "2026-11-20T00:00:00Z", "message": message, "done": False}


def done(reason: str = "stop", *, read: int = 11, written: int = 3, **more: Any) -> dict[str, Any]:
    """Return the last document of an answer."""
    counts = {"total_duration": 1, "prompt_eval_count": read, "eval_count": written}
    return {**said(**more), "done": True, "done_reason": reason, **counts}


def refusal(status: int, error: str, **headers: str) -> Reply:
    """Return an error."""
    return Reply(status=status, pieces=[json.dumps({"error": error}).encode()], headers=headers)


def shown(*able: str, trained: int = 131072, parameters: str = "", **more: Any) -> dict[str, Any]:
    """Return what ``/api/show`` says."""
    return {
        "modelfile": "# generated",
        "parameters": parameters,
        "details": {"family": "llama", "parameter_size": "3.2B"},
        "model_info": {"general.architecture": "llama", "llama.context_length": trained},
        "capabilities": ["completion", *able],
        **more,
    }


@define(eq=False)
class PlayedOllama:
    """The server.

    Args:
        replies: By path; each is given once, in order, before the server answers by itself.
        models: What ``/api/show`` says of each model.
    """

    url: str = ""
    replies: dict[str, list[Reply]] = field(factory=dict)
    models: dict[str, dict[str, Any]] = field(factory=lambda: {SMALL: shown("tools")})
    asked: list[Asked] = field(factory=list)
    arrived: asyncio.Event = field(factory=asyncio.Event)
    left: asyncio.Event = field(factory=asyncio.Event)

    def answers(self, *pieces: Any, path: str = "/api/chat", **more: Any) -> None:
        """Have it answer once with these documents."""
        reply = Reply(pieces=lines(*pieces), **more)
        self.replies.setdefault(path, []).append(reply)

    def replies_with(self, reply: Reply, *, path: str = "/api/chat") -> None:
        """Have it answer once with this."""
        self.replies.setdefault(path, []).append(reply)

    def asked_at(self, path: str) -> list[Asked]:
        """Return what was asked there."""
        return [one for one in self.asked if one.path == path]

    @property
    def chats(self) -> list[Any]:
        """The bodies of the requests for answers."""
        return [one.body for one in self.asked_at("/api/chat")]

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
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError:
            return False
        method, path, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        asked = Asked(method, path, headers, json.loads(body or b"null"))
        self.asked.append(asked)
        if path == "/api/chat":
            self.arrived.set()
        waiting = self.replies.get(path)
        reply = waiting.pop(0) if waiting else self._by_itself(asked)
        return await self._answer(reply, reader, writer)

    def _by_itself(self, asked: Asked) -> Reply:
        if asked.path == "/api/version":
            return Reply(pieces=lines({"version": "0.40.12"}))
        if asked.path == "/api/tags":
            listed = [{"name": name, "model": name, "size": 2019393189} for name in self.models]
            details = {"details": {"parameter_size": "3.2B", "quantization_level": "Q4_K_M"}}
            return Reply(pieces=lines({"models": [{**one, **details} for one in listed]}))
        model = asked.body["model"]
        if model not in self.models:
            return refusal(404, f"model '{model}' not found")
        if asked.path == "/api/show":
            return Reply(pieces=lines(self.models[model]))
        if asked.path == "/api/embed":
            texts = asked.body["input"]
            vectors = [[float(len(text)), 1.0, 0.5] for text in texts]
            return Reply(pieces=lines({"model": model, "embeddings": vectors}))
        most = asked.body["options"]["num_predict"]
        told = [said(f"{word} ") for word in (WORDS * 7)[:most]]
        return Reply(pieces=lines(*told, done(written=len(told))))

    async def _answer(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        more = {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}
        heads = [f"{name}: {value}" for name, value in (more | reply.headers).items()]
        writer.write("\r\n".join([f"HTTP/1.1 {reply.status} So", *heads, "", ""]).encode())
        for piece in reply.pieces:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
                continue
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


@asynccontextmanager
async def playing() -> AsyncIterator[PlayedOllama]:
    """Run a server for the block."""
    played = PlayedOllama()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await played.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
    played.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield played
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
