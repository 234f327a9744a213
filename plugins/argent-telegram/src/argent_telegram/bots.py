"""The bots that are open, and the records that they share; channel and observer meet here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Protocol, runtime_checkable

from attrs import define, field

from argent_hookspecs import (
    ApprovalAsked,
    Draft,
    Notice,
    PairingAsked,
    PluginContext,
    ServiceKey,
    Services,
    TurnFinished,
    TurnStarted,
)
from argent_telegram.ledger import MIGRATIONS, Ledger
from argent_telegram.settings import TELEGRAM

NOTICES: tuple[type[Notice], ...] = (TurnStarted, Draft, ApprovalAsked, PairingAsked, TurnFinished)


@runtime_checkable
class OpenBot(Protocol):
    """A bot that is told what happens in the kernel."""

    @property
    def trouble(self) -> str:
        """Why it hears nothing, while it does not."""
        ...

    def hear(self, notice: Notice) -> None:
        """Take a notice, at once."""
        ...


@define(eq=False, repr=False)
class Bots:
    """The bots that are open, by the ids of their channels."""

    _ctx: PluginContext
    _stack: AsyncExitStack
    open: dict[str, OpenBot] = field(factory=dict)
    _ledger: Ledger | None = None
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)

    async def ledger(self) -> Ledger:
        """Return the records; open them, the first time."""
        async with self._one_by_one:
            if self._ledger is None:
                opening = self._ctx.database("telegram", MIGRATIONS)
                ledger = Ledger(await self._stack.enter_async_context(opening), self._ctx.clock)
                await ledger.clear()
                self._ledger = ledger
            return self._ledger

    @contextmanager
    def opened(self, channel: str, bot: OpenBot) -> Iterator[None]:
        """Have a bot told what concerns it, while the block runs."""
        self.open[channel] = bot
        try:
            yield
        finally:
            if self.open.get(channel) is bot:
                del self.open[channel]

    def tell(self, notice: Notice) -> None:
        """Tell the bot that a notice concerns; who asks to be let in, the bot they ask."""
        channel = _channel(notice)
        bot = self.open.get(channel)
        if bot is None and isinstance(notice, PairingAsked):
            bot = self.open.get(TELEGRAM)
        if bot is not None:
            bot.hear(notice)


BOTS: ServiceKey[Bots] = ServiceKey("telegram-bots", Bots)


@asynccontextmanager
async def open_bots(ctx: PluginContext) -> AsyncIterator[Bots]:
    """Offer what all bots share."""
    async with AsyncExitStack() as stack:
        yield Bots(ctx, stack)


async def pass_on(services: Services, notice: Notice) -> None:
    """Pass on what the kernel tells."""
    if bots := services.find(BOTS):
        bots.tell(notice)


def _channel(notice: Notice) -> str:
    match notice:
        case PairingAsked(request=request):
            return request.sender.channel
        case TurnStarted(event=event):
            return event.reply_to.channel if event.reply_to else ""
        case Draft(to=to) | ApprovalAsked(to=to) | TurnFinished(to=to):
            return to.channel if to else ""
    return ""
