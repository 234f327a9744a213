"""What the plugin registers, and its health checks."""

from __future__ import annotations

import pytest
from llama_kit import SMALL, ask

import argent_llama
from argent_hookspecs import CONTRACT, Health
from argent_llama.settings import LlamaSettings
from argent_testing import FakeContext
from argent_testing.answers import collect


async def health(ctx: FakeContext, which: str) -> Health:
    checks = {check.id: check for check in argent_llama.argent_health_checks(ctx.given)}
    return await checks[which].check()


def test_it_says_who_it_is() -> None:
    plugin = argent_llama.argent_plugin()
    assert plugin.settings is LlamaSettings
    assert plugin.contract == CONTRACT


def test_it_serves_the_local_tier_behind_others(ctx: FakeContext) -> None:
    (tier,) = argent_llama.argent_model_tiers(ctx.with_settings(max_output=99).given)
    assert (tier.id, tier.name, tier.below, tier.order) == ("llama", "local", 0.3, 900)
    assert (tier.provider, tier.model, tier.max_output_tokens) == ("llama", SMALL, 99)


@pytest.mark.anyio
@pytest.mark.parametrize("which", ["weights", "model"])
async def test_a_fresh_install_is_well(ctx: FakeContext, which: str) -> None:
    found = await health(ctx, which)
    assert found.ok
    assert "98 MB" in found.summary


@pytest.mark.anyio
async def test_a_whole_model_is_well(small: FakeContext) -> None:
    async with small.open() as client:
        await collect(client, ask("Hello.", max_output_tokens=1))
    assert (await health(small, "weights")).ok
    assert (await health(small, "model")).ok


@pytest.mark.anyio
async def test_damage_is_found_and_a_remedy_named(small: FakeContext, ctx: FakeContext) -> None:
    async with small.open() as client:
        await collect(client, ask("Hello.", max_output_tokens=1))
    (whole,) = small.data.glob("models/SmolLM2*.gguf")
    damaged = bytearray(whole.read_bytes())
    damaged[50_000_000] ^= 0xFF
    path = ctx.data / "models" / whole.name
    path.parent.mkdir()
    path.write_bytes(damaged)
    found = await health(ctx, "weights")
    assert not found.ok
    assert "damaged" in found.summary
    assert str(path) in found.remedy


@pytest.mark.anyio
@pytest.mark.parametrize("which", ["weights", "model"])
async def test_a_wrong_setting_is_found_and_a_remedy_named(ctx: FakeContext, which: str) -> None:
    found = await health(ctx.with_settings(model="/nowhere/none.gguf"), which)
    assert not found.ok
    assert "plugins.llama.model" in found.remedy
