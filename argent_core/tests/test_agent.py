from __future__ import annotations

import asyncio
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_hookspecs import Health, HealthCheck, ModelTier, Permission, Tool, ToolCall
from argent_testing import Argent, MemoryChannel, ScriptedModel, eventually, hang

from .demo import Demo
from .loop.letters import open_approval

pytestmark = pytest.mark.anyio


def check(id: str, answer: Any, **other: Any) -> HealthCheck:
    async def run() -> Any:
        if isinstance(answer, Exception):
            raise answer
        return await hang() if answer is hang else answer

    return HealthCheck(id=id, check=run, **other)


class TestStatus:
    async def test_of_an_idle_agent(self, argent: Argent) -> None:
        async with argent(model=[], config={"agent": {"id": "ada"}}) as kernel:
            status = await kernel.agent.status()

        assert (status["agent"], status["state"], status["refusing"]) == ("ada", "idle", "")
        assert status["events"] == {"ready": 0, "leased": 0, "waiting": 0, "dead": 0}
        assert status["replies"] == {"pending": 0, "unknown": 0}
        assert (status["approvals"], status["tools"]) == (0, [])
        (model,) = status["models"]
        known = ("tier", "provider", "model", "context_window", "good_for", "advice")
        assert [model[name] for name in known] == [
            "local",
            "scripted",
            "scripted",
            32768,
            "tests",
            "",
        ]
        assert "health" not in status

    async def test_of_a_busy_one(self, argent: Argent) -> None:
        async def send() -> str:
            return "sent"

        asking = Tool(id="send", description="", run=send, permission=Permission.ASK)
        script: list[Any] = [hang, ToolCall("1", "send")]

        async with argent(plugins=[Demo(asking)], model=script) as kernel:
            await argent.channel.say("one", "a")
            await argent.model.asked(1)
            await argent.channel.say("two", "b")
            await argent.model.asked(2)
            await eventually(lambda: len(kernel.loop.running) == 1, what="the turn waits")
            status = await kernel.agent.status()

        assert (status["state"], status["approvals"], status["tools"]) == (
            "processing",
            1,
            ["send"],
        )
        assert (status["events"]["leased"], status["events"]["waiting"]) == (1, 1)

    async def test_a_model_that_is_in_trouble_says_so(self, argent: Argent) -> None:
        class Broken(ScriptedModel):
            async def describe(self, model: str) -> Any:
                raise RuntimeError("no weights")

        lost = ModelTier(id="lost", name="fast", below=0.5, provider="gone", model="m")
        plugins = [Demo(lost), Broken(id="broken")]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            models = {model["tier"]: model for model in await kernel.agent.models()}

        assert models["fast"]["problem"] == "the provider 'gone' does not run"
        assert "raised RuntimeError: no weights" in models["local"]["problem"]

    async def test_deep_asks_every_check(self, argent: Argent) -> None:
        checks = [
            check("a-good", Health(True, "all is well")),
            check("b-bad", Health(False, "no ink", remedy="Buy ink.")),
            check("c-broken", RuntimeError("no printer")),
            check("d-late", hang, timeout=0.05),
            check("e-odd", "fine"),
        ]

        async with argent(plugins=[Demo(*checks)], allow_faults=True) as kernel:
            health = (await kernel.agent.status(deep=True))["health"]

        assert [(h["check"], h["ok"]) for h in health] == [
            ("a-good", True),
            ("b-bad", False),
            ("c-broken", False),
            ("d-late", False),
            ("e-odd", False),
        ]
        assert health[1]["remedy"] == "Buy ink."
        assert "no printer" in health[2]["summary"]
        assert "did not answer in 0.05 s" in health[3]["summary"]
        assert all(h["remedy"] for h in health if not h["ok"])


class TestHistory:
    async def test_the_last_exchanges_oldest_first(self, argent: Argent) -> None:
        async with argent(model=["1", "2", "3", "x"]) as kernel:
            for n in range(3):
                await argent.channel.ask(f"question {n + 1}")
                await argent.clock.advance(61)
            await argent.channel.ask("elsewhere", "work")
            everything = await kernel.agent.history("home")
            last = await kernel.agent.history("home", limit=2)

        assert [(e["asked"], e["answered"]) for e in everything] == [
            ("question 1", "1"),
            ("question 2", "2"),
            ("question 3", "3"),
        ]
        assert everything[0]["at"] == "2026-01-02 03:04:05Z"
        assert list(last) == list(everything[1:])

    async def test_of_a_conversation_that_never_was(self, argent: Argent) -> None:
        async with argent() as kernel:
            assert await kernel.agent.history("nowhere") == []
            assert await kernel.agent.trace("nowhere") is None
            assert await kernel.agent.approvals("nowhere") == []
            assert await kernel.agent.stop("nowhere") == 0


async def test_a_plugin_reaches_the_agent_through_its_context(argent: Argent) -> None:
    demo = Demo()

    async with argent(plugins=[demo], model=["hello"]):
        await argent.channel.ask("hi")
        assert demo.ctx is not None
        status = await demo.ctx.agent.status()
        history = await demo.ctx.agent.history("home")

    assert status["state"] == "idle" and history[0]["answered"] == "hello"


async def test_a_plugin_may_name_a_conversation_as_its_channel_does(argent: Argent) -> None:
    async def send() -> str:
        return "sent"

    asking = Tool(id="send", description="", run=send, permission=Permission.ASK)
    argent.channel = one = MemoryChannel("one", pairing=True)
    two = MemoryChannel("two", pairing=True)
    script: list[Any] = ["Hello.", ToolCall("1", "send"), hang]
    async with argent(plugins=[two, Demo(asking)], model=script) as kernel:
        agents = {name: found.context.agent for name, found in kernel.host.plugins.items()}
        await one.ask("hello", "all")
        await one.say("send it", "all")
        await open_approval(kernel, "one:all")
        await one.say("go on", "else")
        await argent.model.asked(3)

        for name in ("all", "one:all"):
            (exchange,) = await agents["one"].history(name)
            assert exchange["asked"] == "hello"
            trace = await agents["one"].trace(name)
            assert trace is not None and trace["conversation"] == "one:all"
            assert len(await agents["one"].approvals(name)) == 1
        assert await agents["two"].history("all") == await agents["two"].approvals("all") == []
        assert await agents["two"].trace("all") is None
        assert await agents["two"].history("one:all") == []
        assert await agents["two"].trace("one:all") is None
        assert await agents["two"].stop("one:else") == 0
        assert len(await agents["demo"].history("one:all")) == 1
        assert await agents["two"].stop("else") == 0
        assert await agents["one"].stop("else") == 1


async def test_dead_events_and_held_replies_are_counted(argent: Argent) -> None:
    async def counts(kernel: Kernel) -> tuple[int, int]:
        status = await kernel.agent.status()
        return status["events"]["dead"], status["replies"].get("dead", 0)

    async with argent() as kernel:
        await argent.channel.ask("nobody can answer this")
        argent.channel.refuse()
        await argent.channel.say("nor this")
        await argent.channel.tried(2)
        async with asyncio.timeout(10):
            while await counts(kernel) != (2, 1):
                pass
