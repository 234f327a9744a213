"""Tools: what the agent itself can do with the memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
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
    StorageError,
    Tool,
    ToolError,
    ToolRun,
    Trust,
)
from argent_memo import broken_file, derived, uses
from argent_memo.audience import OWNER, REFLECTION, audience_of, audiences_at, is_owners
from argent_memo.forgetting import are_in_history
from argent_memo.items import Place
from argent_memo.learned import AGENT, legible
from argent_memo.memo import Memo, memo_of
from argent_memo.recall import in_words
from argent_memo.tool_input import day_of, demand_span, demand_text, page_of
from argent_memo.words import terms

_HINTS = ("remember", "remind", "recall", "forget")
_MOST_FOUND = 50
_DEPTH = 200
"""How many are looked for, whichever page is asked for: the same in the same order."""
_MOST_LISTED = 100
_THEIR_OWN = 0.5
_ELSEWHERE = (
    "memory {} was told elsewhere, and may come up there: what is said here is kept with"
    " memory_store, for here"
)
_FOR_NOBODY = (
    "some of what was told here is for other people than this: say in made_of which memories it is"
    " made of, or [] if it is made of none"
)
_HISTORY = "The conversations where it came up still have the words in their history"
_LESS_AND_LESS = (Trust.OWNER, Trust.PAIRED, Trust.OUTSIDE)


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
                description="Search the memory for what was said or learned before. Each result "
                "begins with its id.",
                run=self.search,
                effect=again,
                hints=_HINTS,
            ),
            Tool(
                id="memory_store",
                description="Keep something that will matter later: a fact, a preference, a plan. "
                "What is said is kept anyway; use it when somebody asks you to remember.",
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
                description="Delete memories by their ids, for good. Find the ids with "
                "memory_search first.",
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
        page: Annotated[int, "2 for those behind the first page"] = 1,
    ) -> str:
        """Search the memory."""
        here = await self._here(run)
        first, size = page_of(page, limit, most=_MOST_FOUND)
        found = await self.memo.search(query, _DEPTH, filters=here)
        more = page + 1 if len(found) > first + size else None
        return await self._tell(run, found[first : first + size], more=more)

    async def store(
        self,
        *,
        text: Annotated[str, "one thing, in one or two full sentences"],
        run: ToolRun,
        kind: Annotated[str, "fact, preference, decision, event, person or procedural"] = "fact",
        importance: Annotated[float, "from 0 to 1"] = 0.7,
        made_of: Annotated[list[int] | None, "ids of the memories that it sums up, if any"] = None,
    ) -> str:
        """Keep something."""
        if kind not in list(MemoryKind):
            raise ToolError(f"there is no kind {kind!r}; the kinds are: {', '.join(MemoryKind)}")
        if not 0 <= importance <= 1:
            raise ToolError("importance goes from 0 to 1")
        asked = run.event.text if run.event is not None else ""
        await asyncio.to_thread(demand_text, text, asked=asked)
        sources = await self._sources(run, made_of, text=text)
        audience = await self.memo.told.narrowed(
            await self._place(run), run, text=text, by_words=made_of is not None
        )
        if audience is None:
            raise ToolError(_FOR_NOBODY)
        speaker, trust = _whose(run, text, sources)
        memory = NewMemory(
            text=text.strip(),
            kind=MemoryKind(kind),
            key=run.key,
            speaker=speaker,
            source=run.turn or run.key,
            trust=trust,
            audience=audience,
            private=run.private,
            importance=importance,
        )
        id = await self._keep(memory, sources)
        return f"kept as memory {id}"

    async def update(
        self,
        *,
        id: Annotated[int, "of the memory"],
        text: Annotated[str, "what holds now, in full"],
        run: ToolRun,
    ) -> str:
        """Correct a memory."""
        asked = run.event.text if run.event is not None else ""
        await asyncio.to_thread(demand_text, text, asked=asked)
        old = await self._mine(run, [id], trust=run.trust)
        if not old and run.trust is Trust.OUTSIDE:
            raise ToolError("content from outside is part of this turn: nothing is changed by it")
        if not old:
            raise ToolError(f"there is no memory {id} that may be corrected here; search first")
        place = await self._place(run)
        heard = await self.memo.told.narrowed(place, run, text=text, by_words=True)
        if not heard == place == old[0].audience:
            raise ToolError(_ELSEWHERE.format(id))
        speaker, trust = _whose(run, text)
        private = old[0].private or run.private
        try:
            new = await self.memo.store.correct(
                id,
                text=text.strip(),
                key=run.key,
                speaker=speaker,
                source=run.turn or run.key,
                trust=trust,
                private=private,
                said_at=self.ctx.clock.now(),
            )
        except KeyError as error:
            raise ToolError(f"memory {id} was corrected before; search for what holds now") from (
                error
            )
        return f"memory {id} is corrected by memory {new}"

    async def forget(
        self,
        ids: Annotated[list[int], "of the memories, as memory_search shows them"],
        run: ToolRun,
    ) -> str:
        """Delete memories."""
        # A person has agreed, whatever else is told in the turn.
        trust = run.trust if run.event is None else run.event.trust
        mine = await self._mine(run, ids, trust=trust)
        allowed = [memory.id for memory in mine]
        database = self.memo.store.database
        told = await database.read(partial(are_in_history, ids=allowed))
        gone = await self.memo.store.forget(allowed)
        count = len(gone.items) + len(gone.made_of_them)
        kept = sorted(set(ids) - {memory.id for memory in mine})
        rest = f"; there is no {', '.join(map(str, kept))} that may be deleted here" if kept else ""
        left = [_HISTORY if told else "", await broken_file.said(database)]
        return ". ".join([f"deleted: {count}{rest}", *filter(None, left)])

    async def timeline(
        self,
        *,
        since: Annotated[str, "the first day, as 2026-03-01"],
        run: ToolRun,
        until: Annotated[str, "the last day, as 2026-03-31; now, if empty"] = "",
        limit: Annotated[int, "most memories to return"] = 30,
        page: Annotated[int, "2 for those behind the first page"] = 1,
    ) -> str:
        """List what was said in a span of time."""
        here = await self._here(run)
        first, size = page_of(page, limit, most=_MOST_LISTED)
        span = MemoryFilter(
            audiences=here.audiences,
            without_private=here.without_private,
            since=day_of(since),
            until=day_of(until, after=True) if until else None,
        )
        demand_span(span.since, span.until)
        found = await self.memo.store.timeline(span, limit=first + size + 1)
        more = page + 1 if len(found) > first + size else None
        return await self._tell(run, found[first : first + size], more=more)

    async def _tell(self, run: ToolRun, told: Sequence[Memory], *, more: int | None) -> str:
        """Put down that memories are told, and tell them."""
        self.memo.told.note(run.turn, told)
        now = self.ctx.clock.now().timestamp()
        with suppress(StorageError):  # they are told, also where nothing can be written
            await self.memo.store.database.write(
                partial(uses.note, memories=told, turn=run.turn, now=now)
            )
        return _told(told, more=more)

    async def _place(self, run: ToolRun) -> str:
        database = self.memo.store.database
        owners = await database.read(partial(is_owners, conversation=run.conversation))
        return audience_of(run.event, conversation=run.conversation, owners=owners)

    async def _here(self, run: ToolRun) -> MemoryFilter:
        place, share = await self._place(run), self.memo.settings.share
        return MemoryFilter(
            audiences=audiences_at(place, share, conversation=run.conversation),
            asker=_asker(run),
            private=run.private,
            without_private=not run.private,
        )

    async def _sources(self, run: ToolRun, ids: Sequence[int] | None, *, text: str) -> list[Memory]:
        """Return what a memory is made of, of what may come up here."""
        event = run.event
        if not ids and event is not None and event.kind == REFLECTION:
            return derived.likely(text, await self.memo.store.get(event.data.get("items", [])))
        ids = ids or []
        if len(ids) > _MOST_LISTED:
            raise ToolError(f"{len(ids)} are too many at once; the most are {_MOST_LISTED}")
        here = (await self._here(run)).audiences or ()
        found = await self.memo.store.get(ids)
        heard = [m for m in found if m.audience in here and (run.private or not m.private)]
        if missing := sorted(set(ids) - {one.id for one in heard}):
            raise ToolError(f"there is no memory {', '.join(map(str, missing))} here")
        return heard

    async def _keep(self, memory: NewMemory, sources: Sequence[Memory]) -> int:
        place, share = Place(origin="tool"), self.memo.settings.share
        try:
            new = derived.derived(memory, sources, share=share)
            of = [one.id for one in sources]
            return await derived.keep(self.memo.store, new, place=place, of=of)
        except ValueError as error:
            raise ToolError(str(error)) from error
        except KeyError as error:
            raise ToolError(f"memory {error} was deleted just now") from error

    async def _mine(self, run: ToolRun, ids: Sequence[int], *, trust: Trust) -> list[Memory]:
        """Return those that may be changed where the call came up.

        The owner, alone with the agent, may change all; others what is of their place. Nobody takes
        away what somebody has said who is trusted more.

        Args:
            trust: Whose wish it is.
        """
        if len(ids) > _MOST_LISTED:
            raise ToolError(f"{len(ids)} are too many at once; the most are {_MOST_LISTED}")
        place = await self._place(run)
        found = await self.memo.store.get(ids)
        rank = _LESS_AND_LESS.index
        return [
            one
            for one in found
            if rank(trust) <= rank(one.trust) and (place == OWNER or one.audience == place)
        ]


def _whose(run: ToolRun, text: str, sources: Sequence[Memory] = ()) -> tuple[str, Trust]:
    """Return whose word a text is that a model wrote: of the person, if their words are in it."""
    event = run.event.text if run.event is not None else ""
    said = set(terms("\n".join(one.text for one in sources) if sources else event))
    speakers = {one.speaker for one in sources} or {_asker(run)}
    own = set(terms(text))
    if own and len(own & said) >= _THEIR_OWN * len(own) and len(speakers) == 1:
        return speakers.pop(), run.trust
    return AGENT, max(run.trust, Trust.PAIRED, key=_LESS_AND_LESS.index)


def _asker(run: ToolRun) -> str:
    return "" if run.event is None else legible(run.event.sender_name or run.event.sender)


def _told(found: Sequence[Memory], *, more: int | None) -> str:
    if not found:
        return "nothing is remembered about that"
    lines = [f"{memory.id}: {in_words(memory)}" for memory in found]
    if more is not None:
        lines.append(f"(there is more: page {more})")
    text = "\n".join(lines)
    outside = any(memory.trust is Trust.OUTSIDE for memory in found)
    return FromOutside(text) if outside else text
