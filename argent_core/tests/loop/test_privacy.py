from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_hookspecs import (
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Draft,
    Effect,
    ModelRequest,
    ModelTier,
    ModelUnavailable,
    Notice,
    Observer,
    Tool,
    ToolCall,
)
from argent_testing import Argent, MadePlugin, hang

from ..demo import Demo, ended
from .slow_tool import LOOK, SlowTool
from .vendors import Vendor, starting_with

pytestmark = pytest.mark.anyio

SECRET = "My PIN is 1234."
CONFIG = starting_with("fast")
ELSEWHERE = "said to a model of this machine only"


def vendors(local: Sequence[Any] = (), fast: Sequence[Any] = ()) -> tuple[Vendor, Vendor]:
    return Vendor("local", *local, local=True), Vendor("fast", *fast)


def plugins(*vendors: Vendor) -> list[Any]:
    return [vendor.plugin() for vendor in vendors]


def words(request: ModelRequest) -> str:
    return "\n".join(message.text for message in request.messages)


async def said(kernel: Kernel) -> list[tuple[str, bool]]:
    return [(e["asked"], e["private"]) for e in await kernel.agent.history("home")]


async def test_what_was_private_stays_here_also_after_a_restart(argent: Argent) -> None:
    local, fast = vendors(["1234, I see.", "It is 1234."], ["Fine."])
    async with argent(plugins=plugins(local, fast), config=CONFIG) as kernel:
        await argent.channel.ask(f"@local {SECRET}")
        await argent.channel.ask("How are you?")
        trace = await kernel.agent.trace("home")
        await argent.channel.ask("@local What is it?")
        assert await said(kernel) == [
            (SECRET, True),
            ("How are you?", False),
            ("What is it?", True),
        ]
    assert words(fast.requests[0]) == "How are you?" and fast.requests[0].stable == 0
    assert words(local.requests[1]) == "\n".join(
        [SECRET, "1234, I see.", "How are you?", "Fine.", "What is it?"]
    )
    assert trace is not None
    (left_out,) = [block for block in trace["context"] if block["left_out"]]
    assert (left_out["source"], left_out["left_out"]) == ("1 earlier exchange", ELSEWHERE)

    local, fast = vendors(["1234"], ["Fine."])
    async with argent.restart(plugins=plugins(local, fast)):
        await argent.channel.ask("And now?")
        await argent.channel.ask("@local And here?")
    assert words(fast.requests[0]) == "How are you?\nFine.\nAnd now?"
    assert fast.requests[0].stable == 2
    assert SECRET in words(local.requests[0]) and local.requests[0].stable == 8


async def test_what_a_conversation_held_here_stays_here_when_it_goes_elsewhere(
    argent: Argent,
) -> None:
    local, fast = vendors(["I see."], ["Fine."])
    async with argent(plugins=plugins(local, fast), config=CONFIG):
        await argent.channel.ask("/model local")
        await argent.channel.ask(SECRET)
        await argent.channel.ask("/model auto")
        await argent.channel.ask("How are you?")

    assert words(fast.requests[0]) == "How are you?"


async def test_a_provider_is_told_that_a_turn_is_private(argent: Argent) -> None:
    seen: list[bool] = []

    async def provide(request: ContextRequest) -> list[ContextBlock]:
        seen.append(request.private)
        return []

    local, fast = vendors(["I see."], ["Fine."])
    asked = Demo(ContextProvider(id="notes", provide=provide))
    async with argent(plugins=[asked, *plugins(local, fast)], config=CONFIG):
        await argent.channel.ask(f"@local {SECRET}")
        await argent.channel.ask("How are you?")

    assert seen == [True, False]


async def test_what_found_no_answer_is_private_too(argent: Argent) -> None:
    local, fast = vendors([ModelUnavailable("busy")], ["Fine."])
    async with argent(plugins=plugins(local, fast), config=CONFIG) as kernel:
        assert "busy" in await argent.channel.ask(f"@local {SECRET}")
        await argent.channel.ask("How are you?")
        assert await said(kernel) == [(SECRET, True), ("How are you?", False)]

    assert words(fast.requests[0]) == "How are you?"


async def test_what_was_stopped_is_private_too(argent: Argent) -> None:
    local, fast = vendors([["1234, I", hang]], ["Fine."])
    begun = asyncio.Event()

    async def notify(notice: Notice) -> None:
        begun.set()

    watcher = Demo(Observer(id="watcher", notify=notify, kinds=(Draft,)))
    async with argent(plugins=[watcher, *plugins(local, fast)], config=CONFIG) as kernel:
        event = await argent.channel.say(f"@local {SECRET}")
        await begun.wait()
        await kernel.agent.stop("home")
        await ended(kernel, event)
        await argent.channel.ask("How are you?")
        assert await said(kernel) == [(SECRET, True), ("How are you?", False)]

    assert words(fast.requests[0]) == "How are you?"


async def test_what_is_tried_again_is_as_private_as_it_was(argent: Argent) -> None:
    local, fast = vendors([ModelUnavailable("busy"), "I see."])
    async with argent(plugins=plugins(local, fast), config=CONFIG) as kernel:
        await argent.channel.ask("/model local")
        event = await argent.channel.say(SECRET)
        await argent.channel.next_reply()
        await argent.channel.ask("/model auto")
        assert event is not None
        await kernel.agent.events.retry(event)
        kernel.loop.wake()
        assert (await argent.channel.next_reply()).text == "I see."
        assert await said(kernel) == [(SECRET, True)]

    assert fast.requests == []


async def test_what_may_repeat_something_private_is_private(argent: Argent) -> None:
    local, fast = vendors(["I see.", "1234."], ["Fine."])
    async with argent(plugins=plugins(local), config=CONFIG) as kernel:
        await argent.channel.ask(f"@local {SECRET}")
        await argent.channel.ask("What is it?")
        assert await said(kernel) == [(SECRET, True), ("What is it?", True)]

    async with argent.restart(plugins=plugins(fast)):
        await argent.channel.ask("How are you?")
    assert words(fast.requests[0]) == "How are you?"


async def test_nobody_else_answers_where_no_model_of_this_machine_is_left(argent: Argent) -> None:
    local, fast = vendors(fast=["Fine."])
    async with argent(plugins=plugins(local, fast), config=CONFIG):
        await argent.channel.ask("/model local")

    async with argent.restart(plugins=plugins(fast)):
        assert "this machine" in await argent.channel.ask(SECRET)
        await argent.channel.ask("/model auto")
        await argent.channel.ask(f"@local {SECRET}")
        await argent.channel.ask("How are you?")
    assert [words(request) for request in fast.requests] == ["How are you?"]


async def test_what_is_said_here_meanwhile_is_not_told_elsewhere(argent: Argent) -> None:
    slow = SlowTool()
    local, fast = vendors(["I see."], [[LOOK], "Fine."])
    async with argent(plugins=[slow.plugin, *plugins(local, fast)], config=CONFIG):
        await argent.channel.say("How are you?")
        await slow.begun.wait()
        await argent.channel.say(f"@local {SECRET}")
        slow.open.set()
        assert (await argent.channel.next_reply()).text == "Fine."
        assert (await argent.channel.next_reply()).text == "I see."

    assert not any(SECRET in words(request) for request in fast.requests)


async def test_what_a_model_made_of_something_private_is_not_told_elsewhere(
    argent: Argent,
) -> None:
    async def look(pin: str) -> str:
        return f"{pin} opens the door"

    tool = Demo(Tool(id="look", description="Look.", run=look, effect=Effect.IDEMPOTENT))
    call = ToolCall("1", "look", {"pin": "1234"})
    local, fast = vendors(["I see.", [call], ModelUnavailable("busy"), "It is open."], ["Fine."])
    config = starting_with("local", attempts=2)
    async with argent(plugins=[tool, *plugins(local, fast)], config=config):
        await argent.channel.ask(f"@local {SECRET}")
        await argent.channel.ask("Open the door.")

    assert SECRET not in words(local.requests[1]) or fast.requests == []


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_the_order_nothing_private_leaves(argent: Argent, seed: int) -> None:
    chance = random.Random(seed)
    wishes = [chance.choice(["", "@local ", "@fast "]) for _ in range(23)] + ["@local "]
    asked = [
        f"{wish}Is {n} {'secret' if 'local' in wish else 'open'}?" for n, wish in enumerate(wishes)
    ]

    for start, part in ((argent, asked[:12]), (argent.restart, asked[12:])):
        local = Vendor("local", *["This is secret."] * 24, local=True)
        fast = Vendor("fast", *["This is open."] * 24)
        async with start(plugins=plugins(local, fast), config=CONFIG):
            for text in part:
                await argent.channel.ask(text)

        told = [words(request) for request in fast.requests]
        assert told and not any("secret" in request for request in told)
        assert [r.stable for r in fast.requests] == [len(r.messages) - 1 for r in fast.requests]
    assert all(f"Is {n} " in words(local.requests[-1]) for n in range(24))


@pytest.mark.parametrize(
    "text",
    ["@local secret", "@local\nsecret", "  @local secret", "@local: secret", "@local, secret",
     "@LOCAL secret", "@local\u00a0secret"],
)  # fmt: skip
async def test_who_asks_for_this_machine_is_answered_by_it(argent: Argent, text: str) -> None:
    local, cloud = vendors(["Yes."])
    async with argent(plugins=plugins(local, cloud), config=CONFIG):
        assert await argent.channel.ask(text) == "Yes."

    assert not cloud.requests
    assert local.requests[0].messages[-1].text.endswith("secret")
    assert "@" not in local.requests[0].messages[-1].text


async def test_a_misspelt_tier_is_asked_about_and_nobody_is_told(argent: Argent) -> None:
    local, cloud = vendors()
    async with argent(plugins=plugins(local, cloud), config=CONFIG):
        answer = await argent.channel.ask("@locl secret")

    assert answer == "There is no @locl. Did you mean @local? Nobody was asked; say it again."
    assert not cloud.requests and not local.requests


@pytest.mark.parametrize("chosen", ["/model local", ""])
async def test_a_model_of_this_machine_that_is_not_there_is_replaced_by_none(
    argent: Argent, chosen: str
) -> None:
    cloud = Vendor("fast")
    lost = ModelTier(id="l", name="local", below=0.3, provider="gone", model="m")
    found = [cloud.plugin(), MadePlugin("tier-local", lost)]
    async with argent(plugins=found, config=CONFIG):
        if chosen:
            assert "local answers here" in await argent.channel.ask(chosen)
        answer = await argent.channel.ask("secret" if chosen else "@local secret")

    assert "none runs on this machine" in answer
    assert not cloud.requests


async def test_local_only_holds_at_once_for_turns_under_way(argent: Argent) -> None:
    slow = SlowTool()
    local, fast = vendors(["Here."], [[LOOK]])
    async with argent(plugins=[slow.plugin, *plugins(local, fast)], config=CONFIG) as kernel:
        await argent.channel.say("How are you?")
        await slow.begun.wait()
        routing = {**CONFIG["models"]["routing"], "profile": "local-only"}
        changed = {**CONFIG, "models": {**CONFIG["models"], "routing": routing}}
        argent.home.config_file.write_text(json.dumps(changed))
        await kernel.reload()
        slow.open.set()
        await argent.channel.next_reply()

    assert (len(fast.requests), len(local.requests)) == (1, 1)
