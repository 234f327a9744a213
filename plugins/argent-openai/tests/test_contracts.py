"""The plugin under the contracts of every plugin, with a real server behind it."""

from __future__ import annotations

from typing import Any

import pytest
from llama_server import KEY, NAME

from argent_testing.contracts import (
    HealthCheckContract,
    ModelProviderContract,
    PluginContract,
)


class OpenAI:
    """What all of them share."""

    plugin = "argent_openai"

    @pytest.fixture
    def plugin_settings(self, llama_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """Settings that lead to the server."""
        monkeypatch.setenv("LAB_KEY", KEY)
        lab = {"baseUrl": llama_url, "apiKey": "env:LAB_KEY"}
        return {"endpoints": {"lab": lab, "openai": lab}}


class TestPlugin(OpenAI, PluginContract):
    pass


class TestProvider(OpenAI, ModelProviderContract):
    models = (NAME,)


class TestHealthChecks(OpenAI, HealthCheckContract):
    pass
