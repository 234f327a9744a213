"""A channel's connection: a bot that is made ready when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from attrs import define, field

from argent_hookspecs import (
    DeliveryDelayed,
    Feed,
    Notice,
    PluginContext,
    Receipt,
    Reply,
    SecretError,
)
from argent_telegram.bot import LiveBot
from argent_telegram.bots import BOTS
from argent_telegram.faults import WrongToken
from argent_telegram.settings import BotPlace
from argent_telegram.wire import open_api

_UNTIL_SET = 60.0


@define(eq=False, repr=False)
class TelegramConnection:
    """A bot's channel.

    Args:
        place: Which bot it is.
    """

    place: BotPlace
    _ctx: PluginContext
    _stack: AsyncExitStack = field(factory=AsyncExitStack)
    _live: LiveBot | None = None
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)

    async def listen(self, feed: Feed) -> None:
        """Put what is said to the bot into the feed, until cancelled.

        Raises:
            SecretError: There is no token where the settings say.
            TelegramFault: The token is wrong, or something else takes what comes for the bot.
        """
        bot = await self._ready()
        try:
            await bot.listen(feed)
        except WrongToken:
            await self._forget()
            raise

    async def deliver(self, reply: Reply) -> Receipt:
        """Send a reply; see ``Deliveries``."""
        try:
            bot = await self._ready()
        except SecretError as error:
            raise DeliveryDelayed(str(error), retry_after=_UNTIL_SET) from error
        return await bot.deliveries.deliver(reply)

    def hear(self, notice: Notice) -> None:
        """Take what the kernel tells."""
        if self._live is not None:
            self._live.hear(notice)

    @property
    def trouble(self) -> str:
        """Why Telegram cannot be reached, while it cannot."""
        return self._live.trouble if self._live else ""

    async def _forget(self) -> None:
        """Let go of a bot whose token is worth nothing: there may be another by the next try."""
        async with self._one_by_one:
            self._live = None
            stack, self._stack = self._stack, AsyncExitStack()
            await stack.aclose()

    async def close(self) -> None:
        """End what the bot does."""
        await self._stack.aclose()

    async def _ready(self) -> LiveBot:
        """Return the bot; learn its token and open the way to Telegram, the first time."""
        async with self._one_by_one:
            if self._live is None:
                settings, bots = self.place.settings, self._ctx.services.get(BOTS)
                assert settings.token is not None
                token = await self._ctx.secrets.reveal(settings.token)
                api = await self._stack.enter_async_context(open_api(settings.base_url, token))
                live = LiveBot(ctx=self._ctx, place=self.place, api=api, ledger=await bots.ledger())
                await self._stack.enter_async_context(live.working())
                self._stack.enter_context(bots.opened(self.place.id, self))
                self._live = live
            return self._live


@asynccontextmanager
async def open_connection(ctx: PluginContext, place: BotPlace) -> AsyncIterator[TelegramConnection]:
    """Open a bot's channel. Neither its token nor Telegram is needed for that."""
    connection = TelegramConnection(place, ctx)
    try:
        yield connection
    finally:
        await connection.close()
