"""A channel in memory: a test is the person at its other end."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from attrs import evolve

from argent_hookspecs import (
    Address,
    Channel,
    DeliveryDelayed,
    DeliveryRefused,
    Event,
    Feed,
    Plugin,
    Receipt,
    Reply,
    Trust,
    hookimpl,
)
from argent_testing.waiting import PATIENCE, Changes, hang

Outcome = Callable[[Reply], Awaitable[Any]]


class MemoryChannel:
    """A plugin with one channel; what is said and what comes back stays in memory.

    Its messages may have any number of characters, unless ``longest`` is set.

    Args:
        id: Name of the plugin and of the channel.
        idempotent: Whether a second reply with the same key is dropped, as a platform may.
        timeout: Seconds that the kernel gives to one delivery.
        pairing: Whether strangers have to be let in.
    """

    def __init__(
        self,
        id: str = "memory",
        *,
        idempotent: bool = False,
        timeout: float = 30.0,
        pairing: bool = False,
    ) -> None:
        self.name = id
        self.idempotent = idempotent
        self.pairing = pairing
        self.replies: list[Reply] = []
        self.tries: list[Reply] = []
        self._timeout = timeout
        self._outcomes: deque[Outcome] = deque()
        self._feed: Feed | None = None
        self._taken = 0
        self._numbers = itertools.count(1)
        self._changes = Changes()
        self.longest: int | None = None

    @hookimpl
    def argent_plugin(self) -> Plugin:
        """Say who this is."""
        return Plugin(summary="A channel in memory.")

    @hookimpl
    def argent_channels(self) -> list[Channel]:
        """Offer the channel."""
        channel = Channel(
            id=self.name,
            open=self._open,
            idempotent=self.idempotent,
            pairing=self.pairing,
            timeout=self._timeout,
        )
        return [evolve(channel, longest=self.longest)]

    async def say(
        self,
        text: str,
        conversation: str = "home",
        *,
        sender: str = "owner",
        trust: Trust | str = Trust.OWNER,
        dedupe_key: str | None = None,
    ) -> str | None:
        """Say something to the agent; return the event's id, or None if it was known already."""
        event = Event(
            conversation=conversation,
            content=text,
            sender=sender,
            trust=trust,
            dedupe_key=dedupe_key,
            reply_to=Address(self.name, conversation),
        )
        return await self.emit(event)

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        """Put any event into the channel's feed, once it listens."""
        await self._changes.until(
            lambda: self._feed is not None, timeout=PATIENCE, what="the channel listens"
        )
        assert self._feed is not None
        return await self._feed.emit(event, cursor=cursor)

    async def next_reply(self, *, timeout: float = PATIENCE) -> Reply:
        """Wait for the next reply that was not taken yet. Raises ``AssertionError`` if none comes.

        Replies stay in ``replies``, taken or not.
        """
        await self._changes.until(
            lambda: len(self.replies) > self._taken, timeout=timeout, what="a reply"
        )
        self._taken += 1
        return self.replies[self._taken - 1]

    async def ask(self, text: str, conversation: str = "home", *, timeout: float = PATIENCE) -> str:
        """Say something and return the text of the next reply."""
        await self.say(text, conversation)
        return (await self.next_reply(timeout=timeout)).text

    async def tried(self, times: int, *, timeout: float = PATIENCE) -> list[Reply]:
        """Wait until so many deliveries were tried in all, and return what they were of."""
        await self._changes.until(
            lambda: len(self.tries) >= times, timeout=timeout, what=f"delivery number {times}"
        )
        return self.tries

    def refuse(self, reason: str = "blocked by the person") -> None:
        """Refuse the next delivery for good."""
        self.fail(DeliveryRefused(reason))

    def delay(self, seconds: float | None = None, *, reason: str = "slow down") -> None:
        """Turn the next delivery down for some seconds."""
        self.fail(DeliveryDelayed(reason, retry_after=seconds))

    def fail(self, error: Exception, *, sent: bool = False) -> None:
        """Raise an error at the next delivery; if ``sent``, after the reply has arrived."""

        async def fail(reply: Reply) -> None:
            if sent:
                self._keep(reply)
            raise error

        self._outcomes.append(fail)

    def hang(self) -> None:
        """Never answer the next delivery."""
        self._outcomes.append(hang)

    async def listen(self, feed: Feed) -> None:
        """Take what the test says, until cancelled."""
        self._feed = feed
        self._changes.notify()
        try:
            await hang()
        finally:
            self._feed = None

    async def deliver(self, reply: Reply) -> Receipt:
        """Keep a reply, unless the test wants something else."""
        self.tries.append(reply)
        self._changes.notify()
        if self._outcomes:
            await self._outcomes.popleft()(reply)
        self._keep(reply)
        return Receipt(f"{self.name}-{next(self._numbers)}")

    def _keep(self, reply: Reply) -> None:
        known = {kept.key for kept in self.replies} if self.idempotent else set()
        if reply.key not in known:
            self.replies.append(reply)
            self._changes.notify()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[MemoryChannel]:
        yield self
