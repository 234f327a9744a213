from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from argent_core.cli.trace import explain
from argent_core.trace import TurnNotFound
from argent_hookspecs import (
    ModelTier,
    ModelUnavailable,
    PluginContext,
    Secret,
    Tool,
    ToolCall,
    setting,
)
from argent_testing import Argent, eventually, hang

from .demo import Demo
from .loop.vendors import Vendor, starting_with

pytestmark = pytest.mark.anyio

POWERFUL = ModelTier(id="p", name="powerful", below=2.0, provider="scripted", model="large")


async def test_the_newest_turns_newest_first(argent: Argent) -> None:
    async with argent(model=["one", "two", "x" * 100]) as kernel:
        for conversation in ("a", "b", "a"):
            await argent.channel.ask("hi", conversation)
            await argent.clock.advance(1)
        turns = await kernel.agent.trace_rows.turns()
        newest = await kernel.agent.trace_rows.turns(limit=1)

    assert [turn["conversation"] for turn in turns] == ["a", "b", "a"]
    assert [turn["answer"] for turn in turns] == ["x" * 80, "two", "one"]
    assert all(turn["state"] == "done" and turn["model"] == "scripted" for turn in turns)
    assert newest == turns[:1]


async def test_turns_of_one_moment_keep_their_order(argent: Argent) -> None:
    async with argent(model=["one", "two", "three"]) as kernel:
        for _ in range(3):
            await argent.channel.ask("hi")
        turns = await kernel.agent.trace_rows.turns()
        last = await kernel.agent.trace("home")

    assert [turn["answer"] for turn in turns] == ["three", "two", "one"]
    assert last is not None and last["answer"] == "three"


async def test_a_turn_is_found_by_the_beginning_of_its_id(argent: Argent) -> None:
    async with argent(model=["hi"]) as kernel:
        id = str(await argent.channel.say("hello"))
        await argent.channel.next_reply()
        trace = kernel.agent.trace_rows
        whole, short = await trace.turn(id), await trace.turn(id[:5])
        others = [await trace.turn(odd) for odd in ("zzz", "", "%", "_" * len(id), f"{id}0")]

    assert whole is not None and short is not None
    assert whole["turn"] == short["turn"] == id
    assert others == [None] * 5


async def test_a_beginning_that_two_turns_have_is_not_enough(argent: Argent) -> None:
    async with argent(model=["hi"] * 17) as kernel:
        ids = [str(await argent.channel.say("hello", str(n))) for n in range(17)]
        for _ in ids:
            await argent.channel.next_reply()
        first_letters = [id[0] for id in ids]
        shared = next(letter for letter in first_letters if first_letters.count(letter) > 1)
        with pytest.raises(TurnNotFound, match=f"more than one turn begins with '{shared}'"):
            await kernel.agent.trace_rows.turn(shared)


async def test_the_last_one_of_all_or_of_a_conversation(argent: Argent) -> None:
    async with argent(model=["one", "two"]) as kernel:
        await argent.channel.ask("hi", "a")
        await argent.clock.advance(1)
        await argent.channel.ask("hi", "b")
        of_all, of_a = await kernel.agent.trace_rows.last(), await kernel.agent.trace("a")

    assert of_all is not None and of_all["answer"] == "two"
    assert of_a is not None and of_a["answer"] == "one"


@frozen
class Settings:
    """Settings with a secret."""

    key: Secret = setting(doc="A key.")


async def test_what_a_trace_shows_has_no_secrets(
    argent: Argent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_KEY", 'sesame "é" open')

    def make(ctx: PluginContext) -> list[Any]:
        async def unlock() -> str:
            await ctx.secrets.reveal(ctx.settings.key)
            return "unlocked"

        return [Tool(id="unlock", description="", run=unlock)]

    config = {"plugins": {"demo": {"key": "env:DEMO_KEY"}}}
    plugins = [Demo(make=make, settings=Settings)]
    script: list[Any] = [ToolCall("1", "unlock"), 'It is sesame "é" open.']

    async with argent(plugins=plugins, model=script, config=config) as kernel:
        await argent.channel.ask('Is it sesame "é" open?')
        trace = await kernel.agent.trace("home")

    assert trace is not None
    assert trace["answer"] == "It is [secret]."
    assert trace["events"][0]["event"]["content"] == [{"text": "Is it [secret]?"}]
    assert "sesame" not in str(trace)


async def test_a_failed_turn_says_why(argent: Argent) -> None:
    async with argent() as kernel:
        await argent.channel.ask("hi")
        trace = await kernel.agent.trace("home")

    assert trace is not None
    assert trace["state"] == "dead" and "no model is there to answer" in trace["reason"]
    assert trace["route"]["model"] is None and trace["steps"] == []
    assert trace["finished_at"] is not None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("hello", "by its score"),
        ("@powerful hello", "the person asked for powerful"),
        ("Write a Python function that sorts.", "by its score, but not below powerful"),
    ],
)
async def test_it_says_why_this_model_answered(argent: Argent, said: str, why: str) -> None:
    floors = {"models": {"routing": {"floors": {"code": "powerful"}}}}
    async with argent(plugins=[Demo(POWERFUL)], model=["Hi."], config=floors) as kernel:
        await argent.channel.ask(said)
        found = await kernel.agent.trace_rows.last()

    assert found is not None and found["route"]["why"] == why
    assert f"({why})" in "\n".join(explain(found))


async def test_it_says_why_another_model_answered(argent: Argent) -> None:
    replies = [ModelUnavailable("overloaded"), "Hi."]
    async with argent(plugins=[Demo(POWERFUL)], model=replies) as kernel:
        await argent.channel.ask("@powerful hello")
        found = await kernel.agent.trace_rows.last()

    assert found is not None
    why = "in place of powerful (the person asked for powerful): overloaded"
    assert (found["route"]["tier"], found["route"]["why"]) == ("local", why)


async def test_it_costs_what_the_account_says(argent: Argent) -> None:
    lost = ModelUnavailable("it was silent", may_cost=True)
    fast = Vendor("fast", lost, "Whole.", ModelUnavailable("it is down"))
    powerful = Vendor("powerful", "Me.", "Me again.")
    plugins = [fast.plugin(), powerful.plugin()]
    async with argent(plugins=plugins, config=starting_with("fast")) as kernel:
        await argent.channel.ask("Try it.", "a")
        await argent.channel.ask("Again.", "b")
        await argent.channel.ask("And again.", "c")
        account = await kernel.control.run("cost", {"by": "conversation"})
        listed = await kernel.agent.trace_rows.turns()
        explained = [await kernel.agent.trace(where) for where in "abc"]

    costs = {row["conversation"]: row["spent"] + row["reserved"] for row in account["rows"]}
    assert costs == {"a": 1.1, "b": 0.1, "c": 0.1}
    assert {turn["conversation"]: turn["cost"] for turn in listed} == costs
    assert [turn and turn["usage"]["cost"] for turn in explained] == [1.1, 0.1, 0.1]


async def test_a_call_is_broken_off_only_once_its_turn_no_longer_runs(argent: Argent) -> None:
    fast = Vendor("fast", ["Half", hang], patience=60)
    async with argent(plugins=[fast.plugin()], config=starting_with("fast")) as kernel:
        await argent.channel.say("Answer me.")
        await eventually(lambda: fast.requests, what="the call")
        running = await kernel.agent.trace_rows.last()
        await kernel.agent.stop()
        over = await kernel.agent.trace_rows.last()

    assert running is not None and over is not None
    assert (running["state"], over["state"]) == ("running", "cancelled")
    under_way = "Under way: fast-1 of fast-vendor may cost up to $1.00"
    broken_off = "Broken off: fast-1 of fast-vendor may have cost up to $1.00"
    told = [list(explain(turn)) for turn in (running, over)]
    assert [under_way in lines for lines in told] == [True, False]
    assert [broken_off in lines for lines in told] == [False, True]
    assert (running["usage"]["cost"], over["usage"]["cost"]) == (1.0, 1.0)
