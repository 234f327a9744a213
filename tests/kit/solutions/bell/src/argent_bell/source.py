"""The event source: what happens elsewhere and wakes the agent."""

from __future__ import annotations

import asyncio
from contextlib import closing

from argent_hookspecs import Event, Feed, PluginContext
from attrs import frozen


@frozen
class BellSource:
    """The event source while it is open; ``ctx.settings`` says where the other side is."""

    ctx: PluginContext

    async def listen(self, feed: Feed) -> None:
        """Emit what happens, until cancelled; after an error this is called again.

        An event needs a kind of your own, a conversation and its content. Where the other side
        can go on from a place, give that place along, ``await feed.emit(event, cursor=place)``:
        it is stored with the event, and is ``feed.cursor`` when you begin again.
        """
        settings = self.ctx.settings
        reader, writer = await asyncio.open_connection(settings.host, settings.port)
        with closing(writer):
            async for line in reader:
                await feed.emit(Event(kind="bell", conversation="door", content=line.decode()))
                writer.write(b"\n")
