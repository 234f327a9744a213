"""The plugin under the contracts of every plugin."""

from __future__ import annotations

from typing import Any

import pytest
from played_ollama import SMALL, PlayedOllama, stream

from argent_hookspecs import ModelPart
from argent_testing.contracts import (
    EmbedderContract,
    HealthCheckContract,
    ModelCatalogueContract,
    ModelLibraryContract,
    ModelProviderContract,
    PluginContract,
)
from argent_testing.wire.ollama import played


class Ollama:
    """What all of them share."""

    plugin = "argent_ollama"

    @pytest.fixture
    def plugin_settings(self, ollama: PlayedOllama) -> dict[str, Any]:
        """Settings that lead to the server."""
        return {"baseUrl": ollama.url}


class TestPlugin(Ollama, PluginContract):
    pass


class TestProvider(Ollama, ModelProviderContract):
    models = (SMALL,)

    @pytest.fixture(autouse=True)
    def _server(self, ollama: PlayedOllama) -> None:
        self.server = ollama

    async def play(self, live: Any, *parts: ModelPart) -> None:
        self.server.play(stream(*played(*parts)), path="/api/chat")

    async def told(self, live: Any) -> str:
        return self.server.asked_at("/api/chat")[-1].raw.decode()


class TestCatalogue(Ollama, ModelCatalogueContract):
    pass


class TestLibrary(Ollama, ModelLibraryContract):
    pulled = SMALL


class TestEmbedder(Ollama, EmbedderContract):
    model = SMALL


class TestHealthChecks(Ollama, HealthCheckContract):
    pass
