"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
from argent_testing import EventSourceContract, PluginContract, eventually


class TestPlugin(PluginContract):
    plugin = "bell"


class TestSource(EventSourceContract):
    """The other side is a server of your own, here on this machine."""

    plugin = "bell"

    @pytest.fixture
    async def plugin_settings(self) -> AsyncIterator[dict[str, Any]]:
        # Start the server here, and yield its address: {"host": …, "port": …}.
        self.heard, self.open = 0, list[asyncio.StreamWriter]()
        async with await asyncio.start_server(self.serve, "127.0.0.1", 0) as server:
            yield dict(zip(("host", "port"), server.sockets[0].getsockname(), strict=True))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.append(writer)
        with closing(writer):
            async for _ in reader:
                self.heard += 1
        self.open.remove(writer)

    async def happen(self, live: Any, text: str) -> None:
        await eventually(lambda: self.open, what="somebody who listens")
        self.open[-1].write(f"{text}\n".encode())
        heard = self.heard
        await eventually(lambda: self.heard > heard, what="its acknowledgement")
