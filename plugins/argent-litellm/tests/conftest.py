"""Fixtures of this plugin's tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from argent_hookspecs import ModelClient, ModelProvider
from argent_litellm.library import load, wrong_version

sys.path.insert(0, str(Path(__file__).parent))
from litellm_kit import Open
from played_openai import PlayedOpenAI


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def litellm_at_hand() -> None:
    """Import LiteLLM, if it is there, before the clocks of the tests run."""
    if not wrong_version():
        load()


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[PlayedOpenAI]:
    """A server that speaks as OpenAI does."""
    async with PlayedOpenAI() as played:
        yield played


@pytest.fixture
def opened(load_plugin: Any, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the provider with these settings."""
    monkeypatch.setenv("THE_KEY", "geheim-123")

    @asynccontextmanager
    async def opened(server: PlayedOpenAI | None = None, **more: Any) -> AsyncIterator[ModelClient]:
        settings: dict[str, Any] = {**more, "keys": {"openai": "env:THE_KEY"}}
        if server is not None:
            settings["addresses"] = {"openai": server.url}
        async with load_plugin("argent_litellm", settings=settings) as plugin:
            yield plugin.live(plugin.of(ModelProvider)[0])

    return opened
