"""Tools: what the agent itself can do with the memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from attrs import define

from argent_hookspecs import (
    Effect,
    FromOutside,
    Memory,
    MemoryFilter,
    MemoryKind,
    NewMemory,
    Permission,
    PluginContext,
    Tool,
    ToolError,
    ToolRun,
    Trust,
)
from argent_memo.audience import OWNER, audience_of, audiences_at
from argent_memo.confidential import is_confidential
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_memo.recall import in_words

_HINTS = ("remember", "remind", "recall", "forget")


@define(eq=False, repr=False)
class MemoryTools:
    """The five tools, over the memory; each sees what may come up where it is called."""

    ctx: PluginContext

    @property
    def memo(self) -> Memo:
        """The memory that is open."""
        return memo_of(self.ctx)

    @property
    def tools(self) -> list[Tool]:
        """Return them as records."""
        again = Effect.IDEMPOTENT
        return [
            Tool(
                id="memory_search",
                description="Search the memory for what was said or learned before.",
                run=self.search,
                effect=again,
                hints=_HINTS,
            ),
            Tool(
                id="memory_store",
                description="Keep something that will matter later: a fact, a preference, a plan.",
                run=self.store,
                effect=again,
                hints=_HINTS,
            ),
            Tool(
                id="memory_update",
                description="Correct a memory by its id; what it said before is kept as history.",
                run=self.update,
                effect=again,
            ),
            Tool(
                id="memory_forget",
                description="Delete memories by their ids, for good.",
                run=self.forget,
                effect=again,
                permission=Permission.ASK,
            ),
            Tool(
                id="memory_timeline",
                description="List what was said or happened in a span of time, oldest first.",
                run=self.timeline,
                effect=again,
            ),
        ]

    async def search(
        self,
        *,
        query: Annotated[str, "what to look for, in plain words"],
        run: ToolRun,
        limit: Annotated[int, "most memories to return"] = 10,
    ) -> str:
        """Search the memory."""
        found = await self.memo.search(query, max(1, min(limit, 50)), filters=self._here(run))
        self.memo.uses.note(run.conversation, found)
        return self._told(self._for(run, found))

    async def store(
        self,
        *,
        text: Annotated[str, "one thing, in one or two full sentences"],
        run: ToolRun,
        kind: Annotated[str, "fact, preference, decision, event, person or procedural"] = "fact",
        importance: Annotated[float, "from 0 to 1"] = 0.7,
    ) -> str:
        """Keep something."""
        if kind not in list(MemoryKind):
            raise ToolError(f"there is no kind {kind!r}; the kinds are: {', '.join(MemoryKind)}")
        if not 0 <= importance <= 1:
            raise ToolError("importance goes from 0 to 1")
        if not text.strip():
            raise ToolError("there is nothing to keep")
        if is_confidential(text):
            raise ToolError("it looks like a key or a password; such things are not kept here")
        event = run.event
        memory = NewMemory(
            text=text.strip(),
            kind=MemoryKind(kind),
            key=run.key,
            speaker="" if event is None else event.sender_name or event.sender,
            source=run.key,
            trust=run.trust,
            audience=self._place(run),
            private=run.private,
            importance=importance,
        )
        id = await self.memo.store.add(memory, Place(origin="tool"))
        return f"kept as memory {id}"

    async def update(
        self,
        *,
        id: Annotated[int, "of the memory"],
        text: Annotated[str, "what holds now"],
        run: ToolRun,
    ) -> str:
        """Correct a memory."""
        old = await self._mine(run, [id])
        if not old:
            raise ToolError(f"there is no memory {id} that could be corrected here")
        if is_confidential(text):
            raise ToolError("it looks like a key or a password; such things are not kept here")
        trust = max(old[0].trust, run.trust, key=list(Trust).index)
        new = await self.memo.store.correct(
            id, text=text, key=run.key, trust=trust, private=old[0].private or run.private
        )
        return f"memory {id} is corrected by memory {new}"

    async def forget(self, ids: Annotated[list[int], "of the memories"], run: ToolRun) -> str:
        """Delete memories."""
        mine = await self._mine(run, ids)
        gone = await self.memo.store.forget([memory.id for memory in mine])
        return f"{len(gone.items) + len(gone.made_of_them)} memories are deleted"

    async def timeline(
        self,
        *,
        since: Annotated[str, "a date, 2026-03-01"],
        run: ToolRun,
        until: Annotated[str, "the day after the last"] = "",
        limit: Annotated[int, "most memories to return"] = 30,
    ) -> str:
        """List what was said in a span of time."""
        here = self._here(run)
        found = await self.memo.store.timeline(
            MemoryFilter(
                audiences=here.audiences,
                since=_day(since),
                until=_day(until) if until else None,
            ),
            limit=max(1, min(limit, 200)),
        )
        return self._told(self._for(run, found))

    def _place(self, run: ToolRun) -> str:
        return audience_of(run.event, conversation=run.conversation)

    def _here(self, run: ToolRun) -> MemoryFilter:
        event = run.event
        return MemoryFilter(
            audiences=audiences_at(self._place(run), self.memo.settings.share),
            asker="" if event is None else event.sender_name or event.sender,
        )

    async def _mine(self, run: ToolRun, ids: Sequence[int]) -> list[Memory]:
        """Return those that may be changed where the call came up, by who asks for it."""
        place = self._place(run)
        if run.trust is Trust.OUTSIDE:
            raise ToolError("content from outside is part of this turn: nothing is changed by it")
        found = await self.memo.store.get(ids)
        return [one for one in found if place == OWNER or one.audience == place]

    def _for(self, run: ToolRun, found: Sequence[Memory]) -> list[Memory]:
        """Leave out what is for models of this machine only, unless this turn is too."""
        return [memory for memory in found if run.private or not memory.private]

    def _told(self, found: Sequence[Memory]) -> str:
        if not found:
            return "nothing is remembered about that"
        text = "\n".join(f"{memory.id}: {in_words(memory)}" for memory in found)
        outside = any(memory.trust is Trust.OUTSIDE for memory in found)
        return FromOutside(text) if outside else text


def _day(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ToolError(f"{text!r} is no date; write it as 2026-03-01") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
