"""The tier ``local`` as a person and the router meet it."""

from __future__ import annotations

from typing import ClassVar

from argent_testing.contracts import ModelTierContract, PluginContract
from argent_tier_local.settings import MODEL


class TestPlugin(PluginContract):
    plugin = "argent_tier_local"


class TestTier(ModelTierContract):
    plugin = "argent_tier_local"
    providers = ("ollama",)
    says: ClassVar = {
        "name": "local",
        "provider": "ollama",
        "model": MODEL,
        "max_output_tokens": 4096,
    }
    settable = ("provider", "model", "max_output_tokens")
