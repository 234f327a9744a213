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
    Plugin,
    Receipt,
    Reply,
    TextDelta,
    Usage,
    hookimpl,
)


class Scripted:
    """The plugin. The channel confirms each reply at once and tells ``delivered``."""

    def __init__(self, delivered: Callable[[Reply], None]) -> None:
        self.feed: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        self._delivered = delivered

    @hookimpl
    def argent_plugin(self) -> Plugin:
        """Say who this is."""
        return Plugin(summary="A model and a channel that cost nothing.")

    @hookimpl
    def argent_model_providers(self) -> list[ModelProvider]:
        """Offer the model."""
        return [ModelProvider(id="scripted", open=lambda: nullcontext(self))]

    @hookimpl
    def argent_model_tiers(self) -> list[ModelTier]:
        """Let it answer everything."""
        return [ModelTier(id="scripted", name="local", below=0.3, provider="scripted", model="m")]

    @hookimpl
    def argent_channels(self) -> list[Channel]:
        """Offer the channel."""
        return [Channel(id="scripted", open=lambda: nullcontext(self))]

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
