"""The plugin under the contracts that every plugin is under."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from argent_core.local import LocalCommandContext
from argent_terminal.requests import attend
from argent_terminal.sessions import SESSIONS
from argent_testing import Specimen
from argent_testing.contracts import (
    ChannelContract,
    ObserverContract,
    PluginContract,
    RecordingFeed,
    ServiceContract,
)


class TestPlugin(PluginContract):
    plugin = "argent_terminal"


class TestServices(ServiceContract):
    plugin = "argent_terminal"


class TestObservers(ObserverContract):
    plugin = "argent_terminal"


class TestChannel(ChannelContract):
    plugin = "argent_terminal"

    @pytest.fixture(autouse=True)
    async def terminals(self, specimen: Specimen, wire_pair: Any) -> AsyncIterator[None]:
        """One terminal that shows what it is sent, and a way in for others."""
        self.shown: dict[str, str] = {}
        self.commands = LocalCommandContext(specimen.kernel.home)
        mine, theirs = wire_pair
        sessions = specimen.ctx.services.get(SESSIONS)
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(mine.close)
            group.create_task(attend(theirs, sessions, ctx=specimen.ctx, feed=RecordingFeed()))
            await mine.send({"type": "hello", "conversation": self.chat})
            group.create_task(self.show(mine))
            await stack.enter_async_context(specimen.kernel.local.listen())
            yield

    async def show(self, wire: Any) -> None:
        async for message in wire:
            if message["type"] == "reply":
                self.shown[message["key"]] = message["text"]
                await wire.send({"type": "ack", "key": message["key"]})

    async def happen(self, live: Any, text: str) -> None:
        async with self.commands.connect("terminal") as connection:
            await connection.send({"type": "hello", "conversation": "main"})
            await connection.send({"type": "message", "id": text, "text": text})
            async for message in connection:
                if message["type"] == "accepted":
                    return

    async def arrived(self, live: Any) -> Sequence[str]:
        return list(self.shown.values())
