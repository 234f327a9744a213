"""The channel: what people say on IRC, and how an answer gets there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argent_hookspecs import (
    DeliveryDelayed,
    DeliveryRefused,
    Event,
    Feed,
    PluginContext,
    Receipt,
    Reply,
    SecretError,
)
from attrs import define, field

from argent_irc.hearing import heard
from argent_irc.wire import IrcError, Wire, connect
from argent_irc.words import lines

_KEPT = 500
"""Messages that are kept while the agent takes none; then the server has to wait."""

_QUEUE = 60.0
"""Seconds that a reply waits for those before it."""


@asynccontextmanager
async def open_channel(ctx: PluginContext) -> AsyncIterator[IrcChannel]:
    """Open the channel; it connects when it listens or delivers, and again when it must."""
    channel = IrcChannel(ctx)
    try:
        yield channel
    finally:
        await channel.close()


@define(eq=False)
class IrcChannel:
    """The channel while it is open."""

    ctx: PluginContext
    _wire: Wire | None = None
    _reading: asyncio.Task[None] | None = None
    _heard: asyncio.Queue[Event | IrcError] = field(factory=lambda: asyncio.Queue(_KEPT))
    _next: Event | None = None
    _connecting: asyncio.Lock = field(factory=asyncio.Lock)
    _speaking: asyncio.Lock = field(factory=asyncio.Lock)

    async def listen(self, feed: Feed) -> None:
        """Emit what people say. What is not stored yet is kept, over a lost connection too."""
        await self._connected()
        while True:
            if self._next is None:
                came = await self._heard.get()
                if isinstance(came, IrcError):
                    raise came
                self._next = came
            await feed.emit(self._next)
            self._next = None

    async def deliver(self, reply: Reply) -> Receipt:
        """Send a reply, line by line; one reply after another, since all have the same pace."""
        try:
            wire = await self._connected()
        except (OSError, SecretError) as error:
            raise DeliveryDelayed(f"IRC cannot be reached: {error}") from error
        to = reply.to.chat
        names = [f"[{file.name or file.media_type}]" for file in reply.files]
        said = list(lines("\n".join([reply.text, *names]), sender=wire.nickname, to=to))
        if not said:
            raise DeliveryRefused("there is nothing to say")
        try:
            async with asyncio.timeout(_QUEUE):
                await self._speaking.acquire()
        except TimeoutError as error:
            raise DeliveryDelayed("others are being answered") from error
        try:
            return Receipt(await wire.say(to, said))
        finally:
            self._speaking.release()

    async def close(self) -> None:
        """End the connection, if there is one."""
        reading, wire = self._reading, self._wire
        self._reading = self._wire = None
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})
        if wire is not None:
            await wire.close()

    async def _connected(self) -> Wire:
        """Return the connection, made anew if it is lost. Raises ``OSError``."""
        async with self._connecting:
            if self._wire is None or self._reading is None or self._reading.done():
                await self.close()
                settings = self.ctx.settings
                secret = settings.password
                password = await self.ctx.secrets.reveal(secret) if secret else None
                self._wire = await connect(settings, password)
                self.ctx.log.info("on %s as %s", settings.host, self._wire.nickname)
                self._reading = asyncio.create_task(self._read(self._wire), name="irc")
            return self._wire

    async def _read(self, wire: Wire) -> None:
        """Keep what people say, until the connection is lost."""
        try:
            while True:
                event = heard(await wire.read(), nickname=wire.nickname)
                if event is not None:
                    await self._heard.put(event)
        except IrcError as error:
            wire.end(str(error))
            await self._heard.put(error)
        finally:
            wire.end("the connection was closed")
