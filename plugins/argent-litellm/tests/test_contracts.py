"""The plugin under the contracts of every plugin."""

from __future__ import annotations

from typing import Any

import pytest
from played_openai import MODEL, PlayedOpenAI

from argent_litellm.library import INSTALL, wrong_version
from argent_testing.contracts import HealthCheckContract, ModelProviderContract, PluginContract

# What LiteLLM and its libraries warn of is not ours to mend.
pytestmark = pytest.mark.filterwarnings("default")


class LiteLLM:
    """What all of them share."""

    plugin = "argent_litellm"

    @pytest.fixture
    def plugin_settings(
        self, server: PlayedOpenAI, monkeypatch: pytest.MonkeyPatch
    ) -> dict[str, Any]:
        """Settings that lead to the server."""
        monkeypatch.setenv("THE_KEY", "right")
        return {"keys": {"openai": "env:THE_KEY"}, "addresses": {"openai": server.url}}


class TestPlugin(LiteLLM, PluginContract):
    pass


@pytest.mark.skipif(bool(wrong_version()), reason=f"{wrong_version()}; {INSTALL}")
class TestProvider(LiteLLM, ModelProviderContract):
    models = (MODEL,)


class TestHealthChecks(LiteLLM, HealthCheckContract):
    pass
