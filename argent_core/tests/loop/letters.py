"""What is said to the agent, a tool that writes letters, and what came of both."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import evolve

from argent_core.kernel import Kernel
from argent_hookspecs import (
    Address,
    Approval,
    Event,
    EventPart,
    Message,
    Tool,
    ToolCall,
    ToolResult,
    ToolRun,
    Trust,
)
from argent_testing import Argent


class Letters:
    """Tools that keep what they did."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.keys: list[str] = []

    def tool(self, **other: Any) -> Tool:
        async def send(text: str, run: ToolRun) -> str:
            """Send a letter."""
            self.sent.append(text)
            self.keys.append(run.key)
            return f"sent {text}"

        return evolve(Tool(id="send", description="Send a letter.", run=send), **other)


async def send(argent: Argent, *content: EventPart, trust: Trust = Trust.OWNER) -> None:
    """Say something to the agent."""
    event = Event(
        conversation="home",
        content=content,
        sender="owner",
        trust=trust,
        reply_to=Address("memory", "home"),
    )
    await argent.channel.emit(event)


def call(text: str = "hi", name: str = "send") -> ToolCall:
    return ToolCall("any", name, {"text": text})


def results(message: Message) -> list[ToolResult]:
    return [part for part in message.parts if isinstance(part, ToolResult)]


def last_result(argent: Argent) -> ToolResult:
    return results(argent.model.requests[-1].messages[-1])[-1]


async def open_approval(kernel: Kernel, conversation: str = "home") -> Approval:
    """Wait until a turn waits for a person's word."""
    async with asyncio.timeout(10):
        while True:
            found = await kernel.agent.approvals(conversation)
            if found and not kernel.loop.running:
                return found[0]
