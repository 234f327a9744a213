"""The plugin under the contracts of every plugin, with a server that plays the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from anthropic_replay import ReplayServer, model

from argent_testing.contracts import HealthCheckContract, ModelProviderContract, PluginContract


class Claude:
    """What all of them share."""

    plugin = "argent_anthropic"
    settings: ClassVar[dict[str, Any]] = {}


@pytest.fixture(autouse=True)
async def a_server(anyio_backend: str) -> AsyncIterator[None]:
    """Play the API, and have the settings lead there."""
    async with ReplayServer() as server:
        server.models = [model("claude-opus-5-5")]
        Claude.settings["baseUrl"] = server.url
        yield
    assert not server.complaints


class TestPlugin(Claude, PluginContract):
    pass


class TestProvider(Claude, ModelProviderContract):
    models = ("claude-opus-5-5",)


class TestHealthChecks(Claude, HealthCheckContract):
    pass
