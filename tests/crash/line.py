"""The line between a life and the world: JSON, a line each, over a socket."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from attrs import define, field

_CHUNK = 1 << 16


@define(eq=False)
class Lines:
    """Puts what arrives together to messages; half of one that nobody finished is dropped."""

    _rest: bytes = b""

    def feed(self, raw: bytes) -> Iterator[dict[str, Any]]:
        """Take what arrived; yield the messages that are whole."""
        *whole, self._rest = (self._rest + raw).split(b"\n")
        yield from map(json.loads, whole)


def send(end: socket.socket, message: dict[str, Any]) -> None:
    """Send a message."""
    end.sendall(json.dumps(message).encode() + b"\n")


@define(eq=False)
class Line:
    """The child's end.

    Args:
        over: Set when the world has nothing more to send, or wants the kernel to stop.
        stopping: Whether it wants that, whatever there is to do.
    """

    end: socket.socket
    over: asyncio.Event = field(factory=asyncio.Event)
    stopping: bool = False
    _lines: Lines = field(factory=Lines)
    _asked: dict[int, asyncio.Future[dict[str, Any]]] = field(factory=dict)
    _count: int = 0
    # Commits are told from the database's thread.
    _one_by_one: threading.Lock = field(factory=threading.Lock)

    def open(self) -> None:
        """Begin to listen to the answers."""
        asyncio.get_running_loop().add_reader(self.end.fileno(), self._read)

    def tell(self, kind: str, **facts: Any) -> None:
        """Say something that needs no answer."""
        with self._one_by_one:
            send(self.end, {"kind": kind, **facts})

    async def ask(self, kind: str, **facts: Any) -> dict[str, Any]:
        """Say something and wait for the answer."""
        self._count += 1
        id = self._count
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        self.tell(kind, id=id, **facts)
        return await answer

    def _read(self) -> None:
        raw = self.end.recv(_CHUNK)
        if not raw:
            os._exit(1)  # there is no world any more
        for message in self._lines.feed(raw):
            if "id" not in message:
                self.stopping = self.stopping or message["stop"]
                self.over.set()
                continue
            answer = self._asked.pop(message["id"])
            if not answer.done():
                answer.set_result(message["answer"])
