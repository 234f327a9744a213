"""The context provider: what the model should know besides the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from argent_hookspecs import ContextBlock, ContextRequest, PluginContext
from attrs import frozen

_NEW_MOON = datetime(2000, 1, 6, 18, 14, tzinfo=UTC)
_MONTH = 29.530588861


@frozen
class MoonContext:
    """What is known; ``ctx.settings`` says how it is told."""

    ctx: PluginContext

    async def provide(self, request: ContextRequest) -> Sequence[ContextBlock]:
        """Return blocks of at most ``request.budget`` tokens together, or none.

        A token is about three characters of English. What is the same in every turn is
        ``stable=True``; what others have written is ``trust=Trust.OUTSIDE``.
        """
        days = (request.now - _NEW_MOON) / timedelta(days=1) % _MONTH
        text = f"{self.ctx.settings.heading}: {days:.0f} days since it was new."
        block = ContextBlock(text=text, source="the moon's age")
        return [block] if len(text) < request.budget else []
