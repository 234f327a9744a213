"""What every plugin and every channel keeps to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
from bot_api import BotApi

from argent_testing import (
    ChannelContract,
    HealthCheckContract,
    ObserverContract,
    PluginContract,
    ServiceContract,
    Specimen,
)

PLUGIN = "argent_telegram"


class _WithTelegram:
    """A bot on the loopback server."""

    plugin = PLUGIN

    @pytest.fixture
    def plugin_settings(self, api: BotApi, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
        monkeypatch.setenv("TELEGRAM_TOKEN", api.token)
        return {"token": "env:TELEGRAM_TOKEN", "baseUrl": api.url}


class TestPlugin(_WithTelegram, PluginContract):
    pass


class TestChannel(_WithTelegram, ChannelContract):
    chat = "1"
    texts: ClassVar[Sequence[str]] = ("hello", "**bold** `code`\n\n- ünïcödé 🦉", "x" * 3900)

    @pytest.fixture(autouse=True)
    async def _platform(self, api: BotApi) -> AsyncIterator[None]:
        self.api = api
        api.bot.open_chat(1)
        yield

    async def happen(self, live: Any, text: str) -> None:
        await self.api.say(text)

    async def arrived(self, live: Any) -> Sequence[str]:
        return self.api.texts(1)


class TestService(_WithTelegram, ServiceContract):
    pass


class TestObserver(_WithTelegram, ObserverContract):
    pass


class TestHealthCheck(_WithTelegram, HealthCheckContract):
    @pytest.fixture(autouse=True)
    def _platform(self, api: BotApi) -> None:
        self.api = api

    async def harm(self, specimen: Specimen) -> None:
        self.api.platform.accounts.clear()


class TestHealthCheckWithoutABot(HealthCheckContract):
    plugin = PLUGIN

    async def harm(self, specimen: Specimen) -> None:
        """Nothing needs to be broken: there is no bot."""
