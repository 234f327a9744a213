"""A plugin for measuring: a model that answers at once, a tool, and a channel that takes all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext

from argent_hookspecs import (
    FREE,
    Address,
    Channel,
    Event,
    Feed,
    Finish,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Receipt,
    Reply,
    TextDelta,
    Usage,
)
from argent_testing import MadePlugin


class Scripted(MadePlugin):
    """The plugin. The channel confirms each reply at once and tells ``delivered``."""

    def __init__(self, delivered: Callable[[Reply], None]) -> None:
        super().__init__(
            "scripted",
            ModelProvider(id="scripted", open=lambda: nullcontext(self)),
            ModelTier(id="scripted", name="local", below=0.3, provider="scripted", model="m"),
            Channel(id="scripted", open=lambda: nullcontext(self)),
        )
        self.feed: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        self._delivered = delivered

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer at once, in two pieces."""
        yield TextDelta("You said: ")
        yield TextDelta(request.messages[-1].text)
        yield Finish(usage=Usage(input_tokens=10, output_tokens=10))

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about the model."""
        return ModelInfo(id=model, context_window=32_768, price=FREE)

    async def listen(self, feed: Feed) -> None:
        """Hand out the feed, for ``say``."""
        if not self.feed.done():
            self.feed.set_result(feed)
        await asyncio.Event().wait()

    async def deliver(self, reply: Reply) -> Receipt:
        """Take a reply."""
        self._delivered(reply)
        return Receipt(reply.key)

    async def say(self, text: str, conversation: str) -> None:
        """Send a message; return once it is safe."""
        event = Event(
            conversation=conversation,
            content=text,
            sender="owner",
            trust="owner",
            reply_to=Address("scripted", conversation),
        )
        await (await self.feed).emit(event)
