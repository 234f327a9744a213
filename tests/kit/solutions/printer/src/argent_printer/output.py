"""The way out: how an answer gets to the other side."""

from __future__ import annotations

import asyncio
from contextlib import closing

from argent_hookspecs import DeliveryDelayed, PluginContext, Receipt, Reply
from attrs import frozen


@frozen
class PrinterOutput:
    """The way out while it is open; ``ctx.settings`` says where the other side is."""

    ctx: PluginContext

    async def deliver(self, reply: Reply) -> Receipt:
        """Send a reply, and return the other side's own id of it.

        Raise ``DeliveryDelayed`` when it was certainly not sent and is worth another try, and
        ``DeliveryRefused`` when it never will be. If the other side drops a second reply with the
        same ``reply.key``, say ``idempotent=True`` where the way out is made.
        """
        settings = self.ctx.settings
        try:
            reader, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError as error:
            raise DeliveryDelayed(f"the printer is off: {error}") from error
        with closing(writer):
            writer.write(reply.text.replace("\n", " ").encode() + b"\n")
            return Receipt(f"page {(await reader.readuntil()).decode().strip()}")
