"""A plugin for tests of commands: a person who says what a file holds, and a model that obeys.

It prints what happens, so that whoever runs it knows how far it is.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from argent_hookspecs import (
    FREE,
    Address,
    Channel,
    Event,
    Feed,
    Finish,
    Health,
    HealthCheck,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelTier,
    Permission,
    Plugin,
    PluginContext,
    Receipt,
    Reply,
    TextDelta,
    ToolCall,
    ToolResult,
    hookimpl,
    tool,
)


def note(*words: str) -> None:
    print(*words, flush=True)


class Person:
    """Says each line of ``say.jsonl`` once, and prints what comes back."""

    def __init__(self, ctx: PluginContext) -> None:
        self.ctx = ctx

    async def listen(self, feed: Feed) -> None:
        said = self.ctx.data / "say.jsonl"
        lines = said.read_text().splitlines() if said.exists() else []
        for number, line in enumerate(lines):
            text, conversation = json.loads(line)
            event = Event(
                conversation=conversation,
                content=text,
                sender="owner",
                trust="owner",
                dedupe_key=f"line {number}",
                reply_to=Address("play", conversation),
            )
            await feed.emit(event)
        await asyncio.Event().wait()

    async def deliver(self, reply: Reply) -> Receipt:
        note("reply", reply.to.chat, reply.text)
        return Receipt(f"receipt-{reply.key}")


class Model:
    """Does what the first word of a message says."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        last = request.messages[-1]
        word = last.text.partition(" ")[0]
        results = [part.text for part in last.parts if isinstance(part, ToolResult)]
        note("asked", last.text or f"results {results}")
        if word == "hang":
            await asyncio.Event().wait()
        if word == "die":
            raise ModelRejected("the key is wrong")
        if word == "exit":
            asyncio.get_running_loop().call_soon(sys.exit, 3)
            await asyncio.sleep(0)
        if word == "send":
            yield ToolCall("1", "send", {"text": last.text})
        else:
            yield TextDelta(results[0] if results else f"You said: {last.text}")
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(
            id=model,
            context_window=8000,
            price=FREE,
            good_for="tests of commands",
            advice="Install a real one.",
        )


@tool(permission=Permission.ASK)
async def send(text: str) -> str:
    """Send a letter."""
    note("sent", text)
    return "It is sent."


async def ink() -> Health:
    """Tell whether there is ink."""
    return Health(False, "there is no ink", remedy="Buy ink.")


@asynccontextmanager
async def opened(ctx: PluginContext) -> AsyncIterator[Person]:
    yield Person(ctx)
    if (ctx.data / "stubborn").exists():
        note("closing")
        await asyncio.sleep(4)


@hookimpl
def argent_plugin() -> Plugin:
    return Plugin(summary="For tests of commands.")


@hookimpl
def argent_channels(ctx: PluginContext) -> list[Channel]:
    return [Channel(id="play", open=lambda: opened(ctx))]


@hookimpl
def argent_model_providers() -> list[ModelProvider]:
    return [ModelProvider(id="play", open=lambda: nullcontext(Model()))]


@hookimpl
def argent_model_tiers() -> list[ModelTier]:
    return [ModelTier(id="play", name="local", below=0.3, provider="play", model="obedient-1")]


@hookimpl
def argent_tools() -> list[Any]:
    return [send]


@hookimpl
def argent_health_checks() -> list[HealthCheck]:
    return [HealthCheck(id="ink", check=ink)]
