"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from argent_testing import ChannelContract, PluginContract, eventually


class TestPlugin(PluginContract):
    plugin = "lines"


class TestChannel(ChannelContract):
    """The other side is a server of your own, here on this machine."""

    plugin = "lines"

    @pytest.fixture
    async def plugin_settings(self) -> AsyncIterator[dict[str, Any]]:
        # Start the server here, and yield its address: {"host": …, "port": …}.
        self.told, self.open = list[str](), list[asyncio.StreamWriter]()
        async with await asyncio.start_server(self.serve, "127.0.0.1", 0) as server:
            yield dict(zip(("host", "port"), server.sockets[0].getsockname(), strict=True))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.append(writer)
        with closing(writer):
            async for line in reader:
                self.told.append(line.decode().strip())
                if line.strip():
                    writer.write(f"{len(self.told)}\n".encode())
        self.open.remove(writer)

    async def happen(self, live: Any, text: str) -> None:
        await eventually(lambda: self.open, what="somebody who listens")
        self.open[-1].write(f"{text}\n".encode())
        told = len(self.told)
        await eventually(lambda: len(self.told) > told, what="its acknowledgement")

    async def arrived(self, live: Any) -> Sequence[str]:
        return self.told
