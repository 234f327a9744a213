"""A tool that ends when the test lets it."""

from __future__ import annotations

import asyncio

from argent_hookspecs import Effect, Tool, ToolCall

from ..demo import Demo

LOOK = ToolCall("1", "look")


class SlowTool:
    """A tool that ends when the test lets it."""

    def __init__(self) -> None:
        self.begun, self.open = asyncio.Event(), asyncio.Event()

    async def run(self) -> str:
        self.begun.set()
        await self.open.wait()
        return "looked"

    @property
    def plugin(self) -> Demo:
        return Demo(Tool(id="look", description="Look.", run=self.run, effect=Effect.IDEMPOTENT))
