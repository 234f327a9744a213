"""The plugin under the contracts of every plugin, with a real server behind it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from llama_server import KEY, NAME

from argent_testing.contracts import (
    HealthCheckContract,
    ModelProviderContract,
    PluginContract,
)


@pytest.fixture(autouse=True)
def a_server(
    llama_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Name the server in the settings."""
    monkeypatch.setenv("LAB_KEY", KEY)
    lab = {"baseUrl": llama_url, "apiKey": "env:LAB_KEY"}
    monkeypatch.setattr(request.cls, "settings", {"endpoints": {"lab": lab, "openai": lab}})


class OpenAI:
    """What all of them share."""

    plugin = "argent_openai"
    settings: ClassVar[dict[str, Any]] = {}


class TestPlugin(OpenAI, PluginContract):
    pass


class TestProvider(OpenAI, ModelProviderContract):
    models = (NAME,)


class TestHealthChecks(OpenAI, HealthCheckContract):
    pass
