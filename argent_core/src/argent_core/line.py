"""One local connection, as asyncio sees it: JSON objects both ways, a line each."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from attrs import define, field

from argent_core.link import LONGEST_LINE

CHUNK = 1 << 16


@define(eq=False, repr=False)
class Line:
    """One connection."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _received: bytearray = field(factory=bytearray)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send one object."""
        if self._writer.is_closing():
            raise ConnectionResetError("the other side is gone")
        self._writer.write(json.dumps(message, default=str).encode() + b"\n")
        await self._writer.drain()

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        """Receive objects until the other side closes."""
        while True:
            message = await self.receive()
            if message is None:
                return
            yield message

    async def receive(self, *, longest: int = LONGEST_LINE) -> Mapping[str, Any] | None:
        """Receive one object; None when the other side has closed, or sends something else.

        Args:
            longest: Bytes that it may take.
        """
        try:
            message = json.loads(await self._read_line(longest))
        except (ConnectionError, ValueError, RecursionError):
            return None
        return message if isinstance(message, dict) else None

    async def _read_line(self, longest: int) -> bytes:
        looked = 0
        while (end := self._received.find(b"\n", looked)) < 0:
            looked = len(self._received)
            chunk = await self._reader.read(CHUNK)
            if not chunk or looked > longest:
                raise ConnectionResetError("the other side is gone, or sends too much")
            self._received += chunk
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    async def close(self) -> None:
        """Close it."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
