"""The memory in a whole kernel: what is said is kept, and told when it helps."""

from __future__ import annotations

import pytest

import argent_memo
from argent_hookspecs import Event, Trust
from argent_testing import Argent

from .conftest import Neighbour, told

pytestmark = pytest.mark.anyio


async def test_what_was_said_elsewhere_is_told_when_it_helps(
    argent: Argent, neighbour: Neighbour
) -> None:
    plugins = [argent_memo, neighbour]
    async with argent(plugins=plugins, model=["I see.", "No peanuts!"]) as kernel:
        await argent.channel.ask("My sister Ann is allergic to peanuts.")
        (memory,) = await neighbour.kept("peanuts")
        await argent.channel.ask("What may Ann not eat?", conversation="kitchen")
        trace = await kernel.agent.trace("kitchen")

    assert "allergic to peanuts" in told(argent.model.requests[-1])
    assert (memory.trust, memory.audience) == (Trust.OWNER, "owner")
    assert trace is not None
    (block,) = [b for b in trace["context"] if b["source"] == f"memory {memory.id}"]
    assert block["why"]


async def test_what_is_said_in_a_group_does_not_come_up_elsewhere(
    argent: Argent, neighbour: Neighbour
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
        await neighbour.kept("peanuts", audiences=("club",))
        await argent.channel.ask("What may Ann not eat?")

    assert "peanuts" not in told(argent.model.requests[-1])


async def test_nothing_is_kept_twice_or_left_out_over_restarts(
    argent: Argent, neighbour: Neighbour
) -> None:
    plugins = [argent_memo, neighbour]
    async with argent(plugins=plugins, model=["No pears."] * 3):
        for n in range(3):
            await argent.channel.ask(f"Box {n} holds apples.")
    async with argent.restart(model=["No pears."]):
        await argent.channel.ask("Box 3 holds apples.")
        await neighbour.kept("Box 3")
        found = await neighbour.kept("apples")

    assert sorted(one.text for one in found) == [f"Box {n} holds apples." for n in range(4)]
