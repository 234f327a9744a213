"""The plugin under the contracts of every plugin."""

from __future__ import annotations

from typing import Any

import pytest
from played_openai import MODEL, PlayedOpenAI

from argent_hookspecs import ModelPart
from argent_litellm.library import INSTALL, wrong_version
from argent_testing import PlayedReply
from argent_testing.contracts import HealthCheckContract, ModelProviderContract, PluginContract
from argent_testing.wire.chat import played

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

    @pytest.fixture(autouse=True)
    def _server(self, server: PlayedOpenAI) -> None:
        self.server = server

    async def play(self, live: Any, *parts: ModelPart) -> None:
        self.server.play(PlayedReply(pieces=played(*parts)))

    async def told(self, live: Any) -> str:
        return self.server.asked_at("")[-1].raw.decode()


class TestHealthChecks(LiteLLM, HealthCheckContract):
    pass
