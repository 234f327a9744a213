"""The plugin under the contracts of every plugin, with a server that plays the API."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_replay import ReplayServer, model

from argent_hookspecs import ModelPart
from argent_testing import PlayedReply
from argent_testing.contracts import (
    HealthCheckContract,
    ModelCatalogueContract,
    ModelProviderContract,
    PluginContract,
)
from argent_testing.wire.messages import played


class Claude:
    """What all of them share."""

    plugin = "argent_anthropic"

    @pytest.fixture
    def plugin_settings(self, server: ReplayServer) -> dict[str, Any]:
        """Settings that lead to the server."""
        server.models = [model("claude-opus-5-5")]
        return {"baseUrl": server.url, "local": False}


class TestPlugin(Claude, PluginContract):
    pass


class TestProvider(Claude, ModelProviderContract):
    models = ("claude-opus-5-5",)

    @pytest.fixture(autouse=True)
    def _server(self, server: ReplayServer) -> None:
        self.server = server

    async def play(self, live: Any, *parts: ModelPart) -> None:
        self.server.play(PlayedReply(pieces=played(*parts)))

    async def told(self, live: Any) -> str:
        return self.server.asked_at(self.server.path)[-1].raw.decode()


class TestCatalogue(Claude, ModelCatalogueContract):
    pass


class TestHealthChecks(Claude, HealthCheckContract):
    pass
