"""The tier ``balanced`` as a person and the router meet it."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from argent_testing.contracts import ModelTierContract, PluginContract
from argent_tier_balanced.settings import MODEL


class TestPlugin(PluginContract):
    plugin = "argent_tier_balanced"


class TestTier(ModelTierContract):
    plugin = "argent_tier_balanced"
    providers = ("anthropic",)


@pytest.mark.anyio
async def test_what_it_says_of_itself(argent: Any) -> None:
    async with argent(plugins=["argent_tier_balanced"]) as kernel:
        (tier,) = kernel.agent.router.tiers()

    assert (tier.name, tier.provider, tier.model) == ("balanced", "anthropic", MODEL)
    assert tier.max_output_tokens == 8192


@pytest.mark.anyio
async def test_the_settings_say_otherwise(argent: Any) -> None:
    mine = {"provider": "lab", "model": "mine", "maxOutputTokens": 77}
    async with argent(
        plugins=["argent_tier_balanced"], config={"plugins": {"tier-balanced": mine}}
    ) as kernel:
        (tier,) = kernel.agent.router.tiers()

    assert (tier.provider, tier.model, tier.max_output_tokens) == ("lab", "mine", 77)


def test_the_model_is_the_newest_of_its_family() -> None:
    anthropic = pytest.importorskip("anthropic", reason="the anthropic SDK is not installed")
    known = get_args(get_args(anthropic.types.Model)[0])
    family = [name for name in known if re.fullmatch(r"claude-sonnet-\d(-\d)?", name)]

    assert max(family, key=lambda name: [int(n) for n in name.split("-")[2:]]) == MODEL
