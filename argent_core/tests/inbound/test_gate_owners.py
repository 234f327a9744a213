"""Owners at the door, and codes that nobody waits for."""

from __future__ import annotations

import pytest

from argent_core.people import Standing
from argent_hookspecs import Sender, Trust
from argent_testing import Argent, MemoryChannel

pytestmark = pytest.mark.anyio

OWNED = {"people": {"owners": {"memory": ["ada"]}}}


@pytest.fixture
def channel(argent: Argent) -> MemoryChannel:
    argent.channel = MemoryChannel(pairing=True)
    return argent.channel


async def say(channel: MemoryChannel, text: str, sender: str) -> str:
    await channel.say(text, f"chat of {sender}", sender=sender, trust="outside")
    return (await channel.next_reply()).text


@pytest.mark.parametrize("standing", [Standing.OWNER, Standing.PAIRED])
async def test_an_owner_uses_an_invitation_up_and_stays_one(
    argent: Argent, channel: MemoryChannel, standing: Standing
) -> None:
    async with argent(model=[], config=OWNED) as kernel:
        made = await kernel.pairing.invite(standing, by="ada")
        assert "used up" in await say(channel, f"/start {made['code']}", "ada")
        assert "argent pair approve" in await say(channel, made["code"], "eve")

        assert await kernel.agent.trust(Sender("memory", "ada")) is Trust.OWNER
        assert await kernel.agent.trust(Sender("memory", "eve")) is Trust.OUTSIDE
        (event, *_) = [e for e in await kernel.agent.events.list() if e["state"] == "done"]
        shown = await kernel.agent.events.show(event["id"])
        assert made["code"] not in str(shown)
    assert argent.model.requests == []


async def test_one_who_was_made_an_owner_is_not_paired_by_an_invitation(
    argent: Argent, channel: MemoryChannel
) -> None:
    async with argent(model=[]) as kernel:
        for standing in (Standing.OWNER, Standing.PAIRED):
            made = await kernel.pairing.invite(standing, by="ada")
            await say(channel, made["code"], "bob")

        assert await kernel.agent.trust(Sender("memory", "bob")) is Trust.OWNER


@pytest.mark.parametrize("text", ["/start", "/start ABCDEFGH", "/start@bot x " + "y" * 200])
async def test_the_code_of_a_start_is_told_to_no_model(
    argent: Argent, channel: MemoryChannel, text: str
) -> None:
    async with argent(model=[], config=OWNED):
        assert "`/help` says this" in await say(channel, text, "ada")
    assert argent.model.requests == []


async def test_what_only_looks_like_a_start_is_told_to_the_model(
    argent: Argent, channel: MemoryChannel
) -> None:
    async with argent(model=["ok"], config=OWNED):
        assert await say(channel, "/starting is hard", "ada") == "ok"
