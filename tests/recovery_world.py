"""The outside world of the recovery tests: a model, tools and a channel that keep a diary.

What is written into the diary is printed, too, so that whoever runs this knows how far it is.

As a program it runs a kernel on a home, sends it messages, and waits at a given place to be killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from attrs import evolve

from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import InstalledPlugin
from argent_hookspecs import (
    FREE,
    Address,
    Channel,
    DeliveryDelayed,
    Effect,
    Event,
    Feed,
    Finish,
    FinishReason,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Notice,
    Observer,
    Permission,
    Receipt,
    Reply,
    ReplyChanged,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    ToolRun,
)
from argent_testing import MadePlugin


class World(MadePlugin):
    """A plugin whose every effect goes into a diary, a line each.

    Args:
        diary: The file.
        hang_at: Where to stand still for good: ``model``, ``tool``, ``second model``, ``deliver``.
        idempotent: Whether the channel drops a second reply with the same key.
        happened: What queryable tools say when they are asked.
    """

    def __init__(
        self,
        diary: Path,
        *,
        hang_at: str = "",
        idempotent: bool = False,
        happened: str | None = None,
    ) -> None:
        self.diary = diary
        self.hang_at = hang_at
        self.idempotent = idempotent
        self.happened = happened
        self.feed: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        self.moved = asyncio.Event()
        super().__init__("world", *self._records())

    def _records(self) -> Iterator[Any]:
        yield ModelProvider(id="world", open=lambda: nullcontext(self))
        yield ModelTier(id="world", name="local", below=0.3, provider="world", model="m")
        yield Channel(id="world", open=lambda: nullcontext(self), idempotent=self.idempotent)
        yield Observer(id="world", notify=self.hear)
        tool = Tool(id="asking", description="Does it.", run=self.run_tool)
        yield evolve(tool, permission=Permission.ASK)
        for effect in Effect:
            check = self.check_tool if effect is Effect.QUERYABLE else None
            yield evolve(tool, id=str(effect), effect=effect, check=check)

    def note(self, kind: str, **facts: Any) -> None:
        line = json.dumps({"kind": kind, **facts})
        with self.diary.open("a") as file:
            file.write(f"{line}\n")
        print(line, flush=True)

    def read(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.diary.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]

    async def reach(self, place: str) -> None:
        """Stand still here, if that was asked for."""
        if place == self.hang_at:
            self.note("hangs")
            await asyncio.Event().wait()

    # The model

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        parts = request.messages[-1].parts
        results = [part for part in parts if isinstance(part, ToolResult)]
        self.note("model", key=request.key, second=bool(results))
        await self.reach("second model" if results else "model")
        wish = request.messages[-1].text.partition(" ")
        if not results and wish[0] == "use":
            yield ToolCall("", wish[2], {"what": "it"})
            yield Finish(reason=FinishReason.TOOL_CALLS)
            return
        yield TextDelta(f"tool said: {results[0].text}" if results else f"re: {wish[0]}")
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=8192, price=FREE)

    # The channel

    async def listen(self, feed: Feed) -> None:
        if not self.feed.done():
            self.feed.set_result(feed)
        await asyncio.Event().wait()

    async def deliver(self, reply: Reply) -> Receipt:
        if self.hang_at == "delayed":
            raise DeliveryDelayed("nobody is there")
        self.note("reply", key=reply.key, text=reply.text)
        await self.reach("deliver")
        return Receipt(f"receipt-{reply.key}")

    async def hear(self, notice: Notice) -> None:
        self.moved.set()
        if isinstance(notice, ReplyChanged):
            self.note(notice.state)

    # The tools

    async def run_tool(self, what: str, run: ToolRun) -> str:
        self.note("tool", key=run.key)
        await self.reach("tool")
        return f"did {what}"

    async def check_tool(self, key: str) -> str | None:
        self.note("check", key=key)
        return self.happened

    def kernel(self, home: Path) -> Kernel:
        return Kernel(Home(home), plugins=[InstalledPlugin("world", lambda: self)])

    async def say(self, text: str) -> None:
        feed = await self.feed
        await feed.emit(
            Event(
                conversation="talk",
                content=text,
                trust="owner",
                dedupe_key=text,
                reply_to=Address("world", "talk"),
            ),
            cursor=text,
        )
        self.note("acknowledged", text=text)


async def main(home: str, hang_at: str, *messages: str) -> None:
    world = World(Path(home).parent / "diary", hang_at=hang_at)
    async with world.kernel(Path(home)) as kernel:
        for message in messages:
            await world.say(message)
        await kernel.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
