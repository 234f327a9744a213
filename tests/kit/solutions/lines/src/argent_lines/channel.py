"""The channel: what people say on the other side, and how an answer gets there."""

from __future__ import annotations

import asyncio
from contextlib import closing

from argent_hookspecs import Address, DeliveryDelayed, Event, Feed, PluginContext, Receipt, Reply
from attrs import frozen

_ALL = Address("lines", "all")


@frozen
class LinesChannel:
    """The channel while it is open; ``ctx.settings`` says where the other side is."""

    ctx: PluginContext

    async def listen(self, feed: Feed) -> None:
        """Emit what people say, until cancelled; after an error this is called again.

        An event needs a conversation, a sender, its content, and the way back of an answer,
        ``reply_to=Address("lines", chat)``.
        When ``await feed.emit(event)`` returns, it is stored; acknowledge it to the other side
        only then. Say ``group=True`` where others read along.
        """
        reader, writer = await self._connect()
        with closing(writer):
            async for line in reader:
                event = Event(conversation="all", sender="me", content=line.decode(), reply_to=_ALL)
                await feed.emit(event)
                writer.write(b"\n")

    async def deliver(self, reply: Reply) -> Receipt:
        """Send a reply, and return the other side's own id of it.

        Raise ``DeliveryDelayed`` when it was certainly not sent and is worth another try, and
        ``DeliveryRefused`` when it never will be.
        """
        try:
            reader, writer = await self._connect()
        except OSError as error:
            raise DeliveryDelayed(f"nobody listens: {error}") from error
        with closing(writer):
            writer.write(reply.text.replace("\n", " ").encode() + b"\n")
            return Receipt((await reader.readuntil()).decode().strip())

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.ctx.settings.host, self.ctx.settings.port)
