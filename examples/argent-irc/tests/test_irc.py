"""Holds the plugin to the contracts of what it brings, with a real server on the other side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

import pytest
from argent_testing import ChannelContract, PluginContract
from conftest import Server, somebody


class TestPlugin(PluginContract):
    plugin = "irc"


class TestChannel(ChannelContract):
    """A person called ``contract`` talks with the agent on ngircd."""

    plugin = "irc"
    chat: ClassVar = "contract"

    @pytest.fixture
    async def plugin_settings(self, server: Server) -> AsyncIterator[dict[str, Any]]:
        async with somebody(server, self.chat) as self.person:
            yield server.settings()

    async def happen(self, live: Any, text: str) -> None:
        await self.person.say_when_there("argent", text)

    async def arrived(self, live: Any) -> Sequence[str]:
        return self.person.told
