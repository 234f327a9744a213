"""A server in a process of its own that gives one answer, in the form of the path it is asked."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from attrs import define

from argent_testing import Asked, ModelServer, PlayedReply, json_reply
from argent_testing.wire import chat, messages, ollama

WORDS = 32
"""How many words the answer has, each in a piece of its own."""

_TOLD = [f" word{n}" for n in range(WORDS)]
_STREAMS = {
    "/v1/chat/completions": PlayedReply(pieces=chat.answer(*_TOLD, prompt=900)),
    "/v1/messages": PlayedReply(pieces=messages.answer(*_TOLD, prompt=900)),
    "/api/chat": PlayedReply(
        pieces=ollama.answer(*_TOLD, prompt=900), media="application/x-ndjson"
    ),
}
_WINDOW = {"general.architecture": "llama", "llama.context_length": 131072}
_DOCUMENTS: dict[str, Any] = {
    "/v1/models": {"data": [{"id": "m", "type": "model", "display_name": "M"}]},
    "/api/show": {"model_info": _WINDOW, "capabilities": ["completion", "tools"]},
    "/api/tags": {"models": [{"name": "m", "model": "m"}]},
    "/api/version": {"version": "1.0.0"},
}


@contextmanager
def replaying() -> Iterator[str]:
    """Run the server in a process of its own and yield its address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    async def serve() -> None:
        async with _Answering() as server:
            pipe.send(server.url)
            await asyncio.Event().wait()

    asyncio.run(serve())


@define(eq=False)
class _Answering(ModelServer):
    """The server; it tells at ``/last`` what it was asked for an answer, and forgets the rest."""

    last: Asked | None = None

    def by_itself(self, asked: Asked) -> PlayedReply:
        """Answer, or say what is asked about models."""
        self.asked.clear()
        path = asked.path.partition("?")[0]
        if path in _STREAMS:
            self.last = asked
            return _STREAMS[path]
        if path == "/last" and self.last is not None:
            media = self.last.headers.get("content-type", "application/json")
            named = {"X-Path": self.last.path, "X-Media": media}
            return PlayedReply(pieces=[self.last.raw], headers=named)
        return json_reply(_DOCUMENTS.get(path, {}))
