"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from argent_testing import OutputHandlerContract, PluginContract


class TestPlugin(PluginContract):
    plugin = "printer"


class TestOutput(OutputHandlerContract):
    """The other side is a server of your own, here on this machine."""

    plugin = "printer"

    @pytest.fixture
    async def plugin_settings(self) -> AsyncIterator[dict[str, Any]]:
        # Start the server here, and yield its address: {"host": …, "port": …}.
        self.pages: list[str] = []
        async with await asyncio.start_server(self.serve, "127.0.0.1", 0) as server:
            yield dict(zip(("host", "port"), server.sockets[0].getsockname(), strict=True))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            async for line in reader:
                self.pages.append(line.decode().strip())
                writer.write(f"{len(self.pages)}\n".encode())

    async def arrived(self, live: Any) -> Sequence[str]:
        return self.pages
