"""The memory in a whole kernel: what is said is kept, and told when it helps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import MEMORY, Event, Memory, MemoryFilter, Trust
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def neighbour() -> MadePlugin:
    """A plugin that uses the memory."""
    return MadePlugin("neighbour", requires=[MEMORY])


async def kept(neighbour: MadePlugin, query: str, **filters: Any) -> list[Memory]:
    """Wait until something is found that has a word of the query in it."""
    memory = neighbour.ctx.services.get(MEMORY)
    async with asyncio.timeout(10):
        while True:
            found = await memory.search(query, filters=MemoryFilter(**filters))
            if having := [one for one in found if query in one.text]:
                return having


def told(request: Any) -> str:
    return "\n".join([*(b.text for b in request.system), *(m.text for m in request.messages)])


async def test_what_was_said_elsewhere_is_told_when_it_helps(
    argent: Argent, neighbour: MadePlugin
) -> None:
    plugins = [argent_memo, neighbour]
    async with argent(plugins=plugins, model=["I see.", "No peanuts!"]) as kernel:
        await argent.channel.ask("My sister Ann is allergic to peanuts.")
        (memory,) = await kept(neighbour, "peanuts")
        await argent.channel.ask("What may Ann not eat?", conversation="kitchen")
        trace = await kernel.agent.trace("kitchen")

    assert "allergic to peanuts" in told(argent.model.requests[-1])
    assert (memory.trust, memory.audience) == (Trust.OWNER, "owner")
    assert trace is not None
    (block,) = [b for b in trace["context"] if b["source"] == f"memory {memory.id}"]
    assert block["why"]


async def test_what_is_said_in_a_group_does_not_come_up_elsewhere(
    argent: Argent, neighbour: MadePlugin
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see.", "No idea."]):
        event = Event(
            conversation="club",
            content="Ann is allergic to peanuts.",
            sender="bob",
            trust=Trust.PAIRED,
            group=True,
        )
        await argent.channel.emit(event)
        await kept(neighbour, "peanuts", audiences=("club",))
        await argent.channel.ask("What may Ann not eat?")

    assert "peanuts" not in told(argent.model.requests[-1])


async def test_nothing_is_kept_twice_or_left_out_over_restarts(
    argent: Argent, neighbour: MadePlugin
) -> None:
    plugins = [argent_memo, neighbour]
    async with argent(plugins=plugins, model=["Noted."] * 3):
        for n in range(3):
            await argent.channel.ask(f"Box {n} holds apples.")
    async with argent.restart(model=["Noted."]):
        await argent.channel.ask("Box 3 holds apples.")
        await kept(neighbour, "Box 3")
        found = await kept(neighbour, "apples")

    assert sorted(one.text for one in found) == [f"Box {n} holds apples." for n in range(4)]
