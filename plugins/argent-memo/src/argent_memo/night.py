"""Night: what is done to the memory every so often, and what only once a day is over."""

from __future__ import annotations

from attrs import define

from argent_hookspecs import PluginContext
from argent_memo.consolidation import Consolidation
from argent_memo.entities import Entities
from argent_memo.memo import memo_of
from argent_memo.reflection import Reflection


@define(eq=False, repr=False)
class Night:
    """Sorts what was kept, and has the agent look back at the day."""

    ctx: PluginContext

    async def run(self) -> None:
        """Do what is due. Raises ``ArgentError``: not now; it is taken up where it was left."""
        memo = memo_of(self.ctx)
        if memo.settings.reflect:
            await Reflection(self.ctx, memo.store).run()
        await Entities(memo.store.database, self.ctx.clock).learn()
        await Consolidation(memo.store).run()
