"""A server in a process of its own that replays one answer, in the form of the path it is asked."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

WORDS = 32
"""How many words the answer has, each in a piece of its own."""


@contextmanager
def replaying() -> Iterator[str]:
    """Run the server in a process of its own and yield its address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    async def serve() -> None:
        replay = _Replay()
        server = await asyncio.start_server(replay.serve, "127.0.0.1", 0, limit=1 << 26)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


class _Replay:
    """The server: it reads little of what it is asked, since only the others are measured."""

    def __init__(self) -> None:
        self._streams = {
            "/v1/chat/completions": _chat(),
            "/v1/messages": _messages(),
            "/api/chat": _ollama(),
        }
        self._last: tuple[str, str, bytes] = ("", "", b"")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head[1:])
                }
                body = await _body(reader, headers)
                await self._answer(head[0].split(" ")[1], headers, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(
        self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        stream = self._streams.get(path.partition("?")[0])
        if stream is None:
            content, more = self._document(path)
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{more}"
                f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content
            )
            return
        self._last = (path, headers.get("content-type", "application/json"), body)
        media = "application/x-ndjson" if path == "/api/chat" else "text/event-stream"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for piece in stream:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    def _document(self, path: str) -> tuple[bytes, str]:
        if path == "/last":
            asked, media, body = self._last
            return body, f"X-Path: {asked}\r\nX-Media: {media}\r\n"
        window = {"general.architecture": "llama", "llama.context_length": 131072}
        documents: dict[str, Any] = {
            "/v1/models": {"data": [{"id": "m", "type": "model", "display_name": "M"}]},
            "/api/show": {"model_info": window, "capabilities": ["completion", "tools"]},
            "/api/tags": {"models": [{"name": "m", "model": "m"}]},
            "/api/version": {"version": "1.0.0"},
        }
        return json.dumps(documents.get(path.partition("?")[0], {})).encode(), ""


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


def _event(document: dict[str, Any], *, named: bool = False) -> bytes:
    name = f"event: {document['type']}\n" if named else ""
    return f"{name}data: {json.dumps(document)}\n\n".encode()


def _chat() -> Sequence[bytes]:
    def chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1790000000,
            "model": "m",
            "choices": [choice],
        }

    counted = {"prompt_tokens": 900, "completion_tokens": WORDS, "total_tokens": 900 + WORDS}
    return [
        _event(chunk({"role": "assistant", "content": ""})),
        *(_event(chunk({"content": f" word{n}"})) for n in range(WORDS)),
        _event(chunk({}, "stop")),
        _event(chunk({}) | {"choices": [], "usage": counted}),
        b"data: [DONE]\n\n",
    ]


def _messages() -> Sequence[bytes]:
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 900, "output_tokens": 1},
    }
    block = {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    }
    deltas = ({"type": "text_delta", "text": f" word{n}"} for n in range(WORDS))
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    documents: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        block,
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": WORDS}},
        {"type": "message_stop"},
    ]
    return [_event(document, named=True) for document in documents]


def _ollama() -> Sequence[bytes]:
    made = {"model": "m", "created_at": "2026-11-20T09:00:00.000000Z"}
    lines: list[dict[str, Any]] = [
        {**made, "message": {"role": "assistant", "content": f" word{n}"}, "done": False}
        for n in range(WORDS)
    ]
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 900, "eval_count": WORDS}
    lines.append({**made, "message": {"role": "assistant", "content": ""}, **end})
    return [json.dumps(line).encode() + b"\n" for line in lines]
