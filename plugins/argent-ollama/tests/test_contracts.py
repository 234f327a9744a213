"""The plugin under the contracts of every plugin."""

from __future__ import annotations

from typing import Any

import pytest
from played_ollama import SMALL, PlayedOllama

from argent_testing.contracts import HealthCheckContract, ModelProviderContract, PluginContract


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


class TestHealthChecks(Ollama, HealthCheckContract):
    pass
