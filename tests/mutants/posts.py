"""A right channel, source and output handler in memory, of which mutants are made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from argent_hookspecs import (
    Address,
    Channel,
    Event,
    EventSource,
    Feed,
    OutputHandler,
    Receipt,
    Reply,
)
from argent_testing import ChannelContract, EventSourceContract, MadePlugin, OutputHandlerContract
from tests.mutants.declaring import bringing


class Post:
    """A connection, and the platform behind it.

    What is said there stays until it is acknowledged; what is sent there is shown.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.arrival = asyncio.Event()
        self.acknowledged = 0
        self.shown: list[str] = []

    async def listen(self, feed: Feed) -> None:
        """Take what was said, one after the other."""
        while True:
            while self.acknowledged < len(self.said):
                await self.take(feed, self.acknowledged)
            self.arrival.clear()
            await self.arrival.wait()

    async def take(self, feed: Feed, number: int) -> None:
        """Emit what was said, then acknowledge it."""
        await feed.emit(self.event(number), cursor=str(number))
        self.acknowledged = number + 1

    def event(self, number: int) -> Event:
        """Make an event of what was said."""
        return Event(**self.facts(number))

    def facts(self, number: int) -> dict[str, Any]:
        """Return what is in an event."""
        return {
            "conversation": "c",
            "content": self.said[number],
            "sender": "7",
            "reply_to": Address("post", "c"),
            "dedupe_key": f"post:{number}",
        }

    async def deliver(self, reply: Reply) -> Receipt:
        """Show a reply."""
        await self.send(reply)
        return Receipt(f"receipt-{reply.key}")

    async def send(self, reply: Reply) -> None:
        """Put it where the other side sees it."""
        self.shown.append(reply.text)


class PostOffice:
    """What a test does at the other side."""

    async def happen(self, live: Any, text: str) -> None:
        """Say something."""
        live.said.append(text)
        live.arrival.set()

    async def arrived(self, live: Any) -> Sequence[str]:
        """Return what is shown."""
        return list(live.shown)


class PostContract(PostOffice, ChannelContract):
    """The contract of channels, for those of this module."""


class SourceContract(PostOffice, EventSourceContract):
    """The contract of event sources, for those of this module."""


class OutputContract(PostOffice, OutputHandlerContract):
    """The contract of output handlers, for those of this module."""


def a_channel(connection: type[Post] = Post, **options: Any) -> MadePlugin:
    """Return a plugin with a channel; a delivery may take half a second."""
    options = {"timeout": 0.5, **options}
    return bringing(Channel(id="post", open=lambda: nullcontext(connection()), **options))


def a_source(connection: type[Post] = Post) -> MadePlugin:
    """Return a plugin with an event source."""
    return bringing(EventSource(id="post", open=lambda: nullcontext(connection())))


def an_output(connection: type[Post] = Post, **options: Any) -> MadePlugin:
    """Return a plugin with an output handler."""
    options = {"timeout": 0.5, **options}
    return bringing(OutputHandler(id="post", open=lambda: nullcontext(connection()), **options))
