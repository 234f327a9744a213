"""The plugin under the contracts of every plugin, with a real server behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from llama_server import KEY, NAME
from replay import Replay, refusal

from argent_hookspecs import ModelPart
from argent_testing import PlayedReply
from argent_testing.contracts import (
    EmbedderContract,
    HealthCheckContract,
    ModelCatalogueContract,
    ModelProviderContract,
    PluginContract,
)
from argent_testing.wire.chat import answer, played


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


class TestCatalogue(OpenAI, ModelCatalogueContract):
    pass


class TestEmbedder(EmbedderContract):
    plugin = "argent_openai"
    model = NAME

    @pytest.fixture
    def plugin_settings(
        self, embedding_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> dict[str, Any]:
        """Settings that lead to a server whose model makes vectors."""
        monkeypatch.setenv("LAB_KEY", KEY)
        return {"endpoints": {"openai": {"baseUrl": embedding_url, "apiKey": "env:LAB_KEY"}}}


class TestConversations(ModelProviderContract):
    """The same with a server that answers as it is told to."""

    plugin = "argent_openai"
    models = ("m",)

    @pytest.fixture
    async def plugin_settings(self, anyio_backend: str) -> AsyncIterator[dict[str, Any]]:
        """Settings that lead to it."""
        async with Replay(choose=counted) as self.server:
            yield {"endpoints": {"openai": {"baseUrl": self.server.url}}}

    async def play(self, live: Any, *parts: ModelPart) -> None:
        self.server.play(PlayedReply(pieces=played(*parts)))

    async def told(self, live: Any) -> str:
        return self.server.posted[-1].raw.decode()


def counted(body: Any) -> PlayedReply:
    """Count, as far as it may."""
    if body["model"] != "m":
        return refusal(404, {"message": "There is no such model.", "code": "model_not_found"})
    most = body.get("max_tokens") or body["max_completion_tokens"]
    words = (f"{number} " for number in range(min(most, 20)))
    return PlayedReply(pieces=answer(*words, prompt=len(json.dumps(body)) // 4))


class TestHealthChecks(OpenAI, HealthCheckContract):
    pass
