from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from argent_hookspecs import Notice, Observer, Progress, ReplyChanged, TurnFinished, TurnStarted
from argent_testing import Argent, eventually, hang

from ..demo import Demo

pytestmark = pytest.mark.anyio


class Seen:
    """Notes the notices that it is told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def __call__(self, notice: Notice) -> None:
        self.notices.append(notice)

    @property
    def kinds(self) -> list[str]:
        return [type(notice).__name__ for notice in self.notices]


def observer(notify: Callable[[Any], Awaitable[None]], **facts: Any) -> Observer:
    return Observer(**{"id": "o", "notify": notify, **facts})


async def test_an_observer_is_told_of_a_turn_in_order(argent: Argent) -> None:
    seen = Seen()

    async with argent(plugins=[Demo(observer(seen))], model=["Hello."]):
        await argent.channel.ask("hello")
        await eventually(lambda: "ReplyChanged" in seen.kinds, what="the reply is told")

    turn = [kind for kind in seen.kinds if kind not in ("StateChanged", "Draft")]
    assert turn == ["TurnStarted", "TurnFinished", "ReplyChanged"]
    assert "Draft" in seen.kinds


@pytest.mark.parametrize("kinds", [(TurnFinished, ReplyChanged), [TurnFinished, ReplyChanged]])
async def test_it_is_told_of_the_kinds_that_it_wants(argent: Argent, kinds: Any) -> None:
    seen = Seen()

    async with argent(plugins=[Demo(observer(seen, kinds=kinds))], model=["Hello."]):
        await argent.channel.ask("hello")
        await eventually(lambda: len(seen.notices) == 2, what="both are told")

    assert seen.kinds == ["TurnFinished", "ReplyChanged"]


@pytest.mark.parametrize("wrong", [{"kinds": ("TurnFinished",)}, {"kinds": 7}, {"mailbox": "many"}])
async def test_one_that_makes_no_sense_is_left_out_and_named(
    argent: Argent, wrong: dict[str, Any]
) -> None:
    good = Seen()
    plugin = Demo(observer(hang, id="wrong", **wrong), observer(good, id="right"))

    async with argent(plugins=[plugin], model=["Hello."], allow_faults=True) as kernel:
        assert await argent.channel.ask("hello") == "Hello."
        await eventually(lambda: "TurnFinished" in good.kinds, what="the other one is told")
        assert "observer wrong is left out" in kernel.host.plugins["demo"].reason


async def test_one_that_hangs_is_waited_for_by_nobody(argent: Argent) -> None:
    seen = Seen()
    plugins = [
        Demo(observer(hang, timeout=0.05), name="bad"),
        Demo(observer(seen), name="good"),
    ]

    async with argent(plugins=plugins, model=["Hello."], allow_faults=True):
        assert await argent.channel.ask("hello") == "Hello."
        await eventually(lambda: "ReplyChanged" in seen.kinds, what="the other one is told")


async def test_one_that_raises_misses_that_notice_only(argent: Argent) -> None:
    seen = Seen()

    async def picky(notice: Notice) -> None:
        if isinstance(notice, TurnStarted):
            raise LookupError
        await seen(notice)

    async with argent(plugins=[Demo(observer(picky))], model=["Hello."], allow_faults=True):
        await argent.channel.ask("hello")
        await eventually(lambda: "ReplyChanged" in seen.kinds, what="the rest is told")

    assert "TurnStarted" not in seen.kinds


async def test_one_whose_plugin_is_switched_off_is_told_no_more(argent: Argent) -> None:
    seen, other = Seen(), Seen()
    plugins = [Demo(observer(seen)), Demo(observer(other), name="other")]

    async with argent(plugins=plugins) as kernel:
        await kernel.host.disable("demo")
        kernel.observers.publish(Progress(plugin="p", activity="while it is off"))
        await eventually(lambda: other.notices, what="the other one is told")
        await kernel.host.enable("demo")
        kernel.observers.publish(Progress(plugin="p", activity="while it is on"))
        await eventually(lambda: len(other.notices) == 2 and seen.notices, what="both are told")

    assert [getattr(notice, "activity", "") for notice in seen.notices] == ["while it is on"]
