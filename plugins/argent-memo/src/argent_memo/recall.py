"""Recall: what the model is told by itself, because it may help with what was just said."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define

from argent_hookspecs import (
    ContextBlock,
    ContextRequest,
    Memory,
    MemoryFilter,
    PluginContext,
    Trust,
)
from argent_memo.audience import audience_of, audiences_at
from argent_memo.memo import Memo, memo_of

_MOST = 8
_RECENT = 20
"""Items of a conversation that its history tells already."""


@define(eq=False, repr=False)
class Recall:
    """Finds what may help with an event."""

    ctx: PluginContext

    @property
    def memo(self) -> Memo:
        """The memory that is open."""
        return memo_of(self.ctx)

    async def provide(self, request: ContextRequest) -> Sequence[ContextBlock]:
        """Return a block for each memory that may help, oldest first."""
        event, settings = request.event, self.memo.settings
        if not settings.auto_recall or not event.text.strip():
            return []
        place = audience_of(event, conversation=event.conversation)
        filters = MemoryFilter(
            audiences=audiences_at(place, settings.share),
            asker=event.sender_name or event.sender,
        )
        told = set(await self.memo.store.latest(event.conversation, _RECENT))
        found = await self.memo.search(event.text, _MOST + len(told), filters=filters)
        chosen = [memory for memory in found if memory.id not in told][:_MOST]
        chosen.sort(key=lambda memory: (memory.said_at, memory.id))
        self.memo.uses.note(event.conversation, chosen)
        return [block(memory) for memory in chosen]


def block(memory: Memory) -> ContextBlock:
    """Return a memory as a model is told it: always in the same bytes."""
    return ContextBlock(
        text=f"You remember: {in_words(memory)}",
        source=f"memory {memory.id}",
        trust=memory.trust,
        private=memory.private,
        why=memory.why,
    )


def in_words(memory: Memory) -> str:
    """Return a memory with when and by whom it was said.

    The owner's word stands as it is; everybody else's is reported.
    """
    day = memory.said_at.date().isoformat()
    again = f", {memory.count} times" if memory.count > 1 else ""
    who = memory.speaker or "somebody"
    if memory.trust is Trust.OWNER:
        return f"[{day}{again}] {who}: {memory.text}"
    doubt = "not verified" if memory.trust is Trust.OUTSIDE else "not the owner's word"
    return f"[{day}{again}, {doubt}] {who} said: {memory.text}"
