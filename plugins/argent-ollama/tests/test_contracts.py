"""The plugin under the contracts of every plugin."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from played_ollama import SMALL, PlayedOllama

from argent_testing.contracts import HealthCheckContract, ModelProviderContract, PluginContract


@pytest.fixture(autouse=True)
def a_server(
    ollama: PlayedOllama, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Name the server in the settings."""
    monkeypatch.setattr(request.cls, "settings", {"baseUrl": ollama.url})


class Ollama:
    """What all of them share."""

    plugin = "argent_ollama"
    settings: ClassVar[dict[str, Any]] = {}


class TestPlugin(Ollama, PluginContract):
    pass


class TestProvider(Ollama, ModelProviderContract):
    models = (SMALL,)


class TestHealthChecks(Ollama, HealthCheckContract):
    pass
