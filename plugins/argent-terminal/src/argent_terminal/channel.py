"""The channel: listens to terminals and delivers replies to them."""

from __future__ import annotations

import asyncio

from attrs import evolve

from argent_hookspecs import (
    Connection,
    DeliveryDelayed,
    Feed,
    File,
    FileMissing,
    PluginContext,
    Receipt,
    Reply,
)
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
        reply = self._with_places(reply)
        if not sessions.keep(reply):
            return Receipt(reply.key)
        place = reply.to.chat
        try:
            await sessions.show(reply, CONFIRM_SECONDS if sessions.has(place) else ARRIVAL_SECONDS)
        except OSError as error:
            reason = f"no terminal has shown it; read it with: argent chat -c {place}"
            raise DeliveryDelayed(reason) from error
        return Receipt(reply.key)

    def _with_places(self, reply: Reply) -> Reply:
        """Say in words where the files are that go with a reply: no terminal can be sent any."""
        lines = [self._place_of(file) for file in reply.files]
        return evolve(reply, text="\n".join([reply.text.rstrip(), "", *lines])) if lines else reply

    def _place_of(self, file: File) -> str:
        name = " ".join(file.name.split()) or "a file"
        try:
            return f"{name}: {self._ctx.files.path(file)}"
        except FileMissing as error:
            return f"{name}: {error}"
