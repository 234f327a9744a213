"""The link between a command and the running kernel: where it is, and how each knows the other."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from argent_core.paths import Home
from argent_hookspecs import ArgentError

LONGEST_LINE = 64 << 20
CHUNK = 1 << 16


class NotRunning(ArgentError):
    """Report that no kernel runs on this home."""


@define(eq=False, repr=False)
class Line:
    """One connection: JSON objects both ways, a line each."""

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


def link_file(home: Home) -> Path:
    """Return the file that says how to reach the running kernel."""
    return home.run / "link.json"


def proof(token: str, *, theirs: str, mine: str) -> str:
    """Prove that one knows the token, to whoever made the first of the challenges."""
    challenges = f"{theirs}\n{mine}".encode(errors="replace")
    return hmac.new(token.encode(), challenges, hashlib.sha256).hexdigest()


def proves(message: Mapping[str, Any], token: str, *, mine: str, theirs: str) -> bool:
    """Tell whether a message proves that its sender knows the token."""
    given = str(message.get("proof", "")).encode(errors="replace")
    return hmac.compare_digest(given, proof(token, theirs=mine, mine=theirs).encode())


def read_link(path: Path) -> dict[str, Any]:
    """Read where the running kernel listens. Raises ``NotRunning``."""
    try:
        link: dict[str, Any] = json.loads(path.read_text())
        return {"port": int(link["port"]), "token": str(link["token"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotRunning("Argent does not run; start it with: argent start") from error


def write_private(path: Path, data: Mapping[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(data, file)
    temporary.replace(path)
