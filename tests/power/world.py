"""The world around the kernel: sources, a model, tools and two channels, which mark what they know.

A mark is made before an effect, and after the kernel has taken a message. The model answers every
message that it has not answered yet, by name, so that a second answer can be told.
"""

from __future__ import annotations

import asyncio
import random
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

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
    EventSource,
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
    Role,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolRun,
)
from argent_testing import MadePlugin

Mark = Callable[..., None]

CONVERSATIONS = tuple(f"c{n}" for n in range(6))
CHANNELS = {"plain": False, "keyed": True}
"""The channels, and whether each drops a second reply with the same key."""
LONG = "long"
"""A tool whose result is so long that it is put into a file."""
ASKING = "asking"
"""A tool that needs a person's word."""
LONG_WORDS = 5000
NAME = re.compile(r"\bc\d+-\d+\b")
_WISH = re.compile(r"\b(c\d+-\d+) use (\w+)")


def channel_of(conversation: str) -> str:
    """Return where a conversation takes place."""
    return list(CHANNELS)[CONVERSATIONS.index(conversation) % 2]


class Source:
    """One conversation's messages on their way in."""

    def __init__(self) -> None:
        self.feed: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()

    async def listen(self, feed: Feed) -> None:
        if not self.feed.done():
            self.feed.set_result(feed)
        await asyncio.Event().wait()


class World(MadePlugin):
    """A plugin that brings all this.

    Args:
        mark: Puts down what happened.
        ran: Keys of the queryable calls that happened before.
        seed: Of the small delays, and of deliveries that are put off; none if not given.
    """

    def __init__(self, mark: Mark, *, ran: Iterable[str] = (), seed: int | None = None) -> None:
        self.mark = mark
        self.ran = set(ran)
        self.random = None if seed is None else random.Random(seed)
        self.sources = {name: Source() for name in CONVERSATIONS}
        self.moved = asyncio.Event()
        self.answered = {name: asyncio.Event() for name in CONVERSATIONS}
        super().__init__("world", *self._records())

    def _records(self) -> Iterator[Any]:
        yield ModelProvider(id="world", open=lambda: nullcontext(self))
        yield ModelTier(id="world", name="local", below=0.3, provider="world", model="m")
        yield Observer(id="world", notify=self.hear)
        yield from map(self.source, self.sources)
        for name, idempotent in CHANNELS.items():
            yield Channel(id=name, open=lambda: nullcontext(self), idempotent=idempotent)
        for effect in Effect:
            yield self.tool(str(effect), effect)
        yield self.tool(LONG, Effect.IDEMPOTENT)
        yield self.tool(ASKING, Effect.BLIND, Permission.ASK)

    def kernel(self, home: Path) -> Kernel:
        """Make a kernel in this world."""
        return Kernel(Home(home), plugins=[InstalledPlugin("world", lambda: self)])

    async def say(self, conversation: str, number: int, wish: str = "") -> None:
        """Send a message, and mark that the kernel has taken it."""
        name = f"{conversation}-{number}"
        feed = await self.sources[conversation].feed
        event = Event(
            conversation=conversation,
            content=f"{name} use {wish}" if wish else name,
            trust="owner",
            dedupe_key=name,
            reply_to=Address(channel_of(conversation), conversation),
        )
        await feed.emit(event, cursor=str(number))
        self.mark("acknowledged", name=name, conversation=conversation, number=number)

    @asynccontextmanager
    async def person(self, kernel: Kernel) -> AsyncIterator[None]:
        """Say yes or no to what is asked meanwhile."""
        task = asyncio.create_task(self._decide(kernel))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

    async def _decide(self, kernel: Kernel) -> None:
        while True:
            moved = self.moved
            for approval in await kernel.agent.approvals():
                allow = approval.id[-1] in "02468ace"
                if await kernel.agent.answer(approval.id, allow=allow, by="me"):
                    self.mark("decided", id=approval.id, allow=allow)
            await moved.wait()

    async def settled(self, kernel: Kernel) -> None:
        """Wait until there is nothing left to do."""
        async with asyncio.timeout(20):
            while True:
                moved = self.moved
                status = await kernel.agent.status()
                events, replies = status["events"], status["replies"]
                waiting = events["waiting"] + replies["pending"] + replies.get("sending", 0)
                if events["ready"] + events["leased"] + waiting == 0:
                    return
                await moved.wait()

    async def linger(self) -> None:
        """Let others go first, sometimes."""
        for _ in range(self.random.randrange(4) if self.random else 0):
            await asyncio.sleep(0)

    def source(self, name: str) -> EventSource:
        return EventSource(id=name, open=lambda: nullcontext(self.sources[name]))

    async def listen(self, feed: Feed) -> None:
        await asyncio.Event().wait()

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        await self.linger()
        asked, called, answered = _heard(request)
        for name, tool in _WISH.findall(asked):
            if name not in called and name not in answered:
                yield ToolCall(secrets.token_hex(4), tool, {"what": name})
                yield Finish(reason=FinishReason.TOOL_CALLS)
                return
        names = dict.fromkeys(name for name in NAME.findall(asked) if name not in answered)
        yield TextDelta(f"re: {' '.join(names)}")
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=32768, price=FREE)

    async def deliver(self, reply: Reply) -> Receipt:
        if self.random and self.random.random() < 0.1:
            raise DeliveryDelayed("try again at once", retry_after=0.001)
        self.mark("handed", channel=reply.to.channel, key=reply.key, text=reply.text)
        self.answered[reply.conversation].set()
        await self.linger()
        return Receipt(f"receipt-{reply.key}")

    async def hear(self, notice: Notice) -> None:
        self.moved.set()
        self.moved = asyncio.Event()

    async def check(self, key: str) -> str | None:
        return "it happened" if key in self.ran else None

    def tool(self, id: str, effect: Effect, permission: Permission = Permission.ALLOW) -> Tool:
        async def run(what: str, run: ToolRun) -> str:
            self.mark("ran", effect=str(effect), key=run.key, name=what)
            self.ran.add(run.key)
            await self.linger()
            return f"{what} " * LONG_WORDS if id == LONG else f"did {what}"

        check = self.check if effect is Effect.QUERYABLE else None
        return Tool(
            id=id,
            description="Does it.",
            run=run,
            effect=effect,
            check=check,
            permission=permission,
        )


def _heard(request: ModelRequest) -> tuple[str, set[str], set[str]]:
    """Return what was asked, which messages a tool was called for, and which are answered."""
    said = [message for message in request.messages if message.role is Role.USER]
    own = [message for message in request.messages if message.role is Role.ASSISTANT]
    calls = [part for message in own for part in message.parts if isinstance(part, ToolCall)]
    asked = "\n".join(p.text for message in said for p in message.parts if isinstance(p, Text))
    answered = {name for message in own for name in NAME.findall(message.text)}
    return asked, {str(call.arguments["what"]) for call in calls}, answered
