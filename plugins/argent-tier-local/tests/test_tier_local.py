"""The tier ``local`` as a person and the router meet it."""

from __future__ import annotations

from typing import Any

import pytest

from argent_testing.contracts import ModelTierContract, PluginContract
from argent_tier_local.settings import MODEL


class TestPlugin(PluginContract):
    plugin = "argent_tier_local"


class TestTier(ModelTierContract):
    plugin = "argent_tier_local"
    providers = ("ollama",)


@pytest.mark.anyio
async def test_what_it_says_of_itself(argent: Any) -> None:
    async with argent(plugins=["argent_tier_local"]) as kernel:
        (tier,) = kernel.agent.router.tiers()

    assert (tier.name, tier.provider, tier.model) == ("local", "ollama", MODEL)
    assert tier.max_output_tokens == 4096


@pytest.mark.anyio
async def test_the_settings_say_otherwise(argent: Any) -> None:
    mine = {"provider": "lab", "model": "mine", "maxOutputTokens": 77}
    async with argent(
        plugins=["argent_tier_local"], config={"plugins": {"tier-local": mine}}
    ) as kernel:
        (tier,) = kernel.agent.router.tiers()

    assert (tier.provider, tier.model, tier.max_output_tokens) == ("lab", "mine", 77)
