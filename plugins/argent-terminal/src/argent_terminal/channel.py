"""The channel: listens to terminals and delivers replies to them."""

from __future__ import annotations

import asyncio

from argent_hookspecs import Connection, DeliveryDelayed, Feed, PluginContext, Receipt, Reply
from argent_terminal.requests import attend
from argent_terminal.sessions import SESSIONS

CONFIRM_SECONDS = 15.0
ARRIVAL_SECONDS = 5.0
"""How long a reply waits for a terminal to come, before the kernel is told to try later."""


class TerminalChannel:
    """The channel ``terminal``; a place of it is the name of a conversation."""

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx

    async def listen(self, feed: Feed) -> None:
        """Attend to every terminal that connects, until cancelled."""
        sessions = self._ctx.services.get(SESSIONS)

        async def serve(connection: Connection) -> None:
            await attend(connection, sessions, ctx=self._ctx, feed=feed)

        async with self._ctx.serve_local(serve):
            await asyncio.get_running_loop().create_future()

    async def deliver(self, reply: Reply) -> Receipt:
        """Show a reply in the terminals of its conversation.

        A reply that cannot be shown now is shown to the next terminal that comes, and the try that
        the kernel makes after that finds it confirmed.

        Raises:
            DeliveryDelayed: No terminal has confirmed that it was shown. It may have been; another
                try does no harm, since terminals know what they have shown.
        """
        sessions = self._ctx.services.get(SESSIONS)
        if not sessions.keep(reply):
            return Receipt(reply.key)
        place = reply.to.chat
        try:
            await sessions.show(reply, CONFIRM_SECONDS if sessions.has(place) else ARRIVAL_SECONDS)
        except OSError as error:
            reason = f"no terminal has shown it; read it with: argent chat -c {place}"
            raise DeliveryDelayed(reason) from error
        return Receipt(reply.key)
