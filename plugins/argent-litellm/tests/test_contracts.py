"""The plugin under the contracts of every plugin."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from played_openai import MODEL, PlayedOpenAI

from argent_litellm.library import INSTALL, wrong_version
from argent_testing.contracts import HealthCheckContract, ModelProviderContract, PluginContract

# What LiteLLM and its libraries warn of is not ours to mend.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def a_server(
    server: PlayedOpenAI, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Name the server in the settings."""
    monkeypatch.setenv("THE_KEY", "right")
    mine = {"keys": {"openai": "env:THE_KEY"}, "addresses": {"openai": server.url}}
    monkeypatch.setattr(request.cls, "settings", mine)


class LiteLLM:
    """What all of them share."""

    plugin = "argent_litellm"
    settings: ClassVar[dict[str, Any]] = {}


class TestPlugin(LiteLLM, PluginContract):
    pass


@pytest.mark.skipif(bool(wrong_version()), reason=f"{wrong_version()}; {INSTALL}")
class TestProvider(LiteLLM, ModelProviderContract):
    models = (MODEL,)


class TestHealthChecks(LiteLLM, HealthCheckContract):
    pass
