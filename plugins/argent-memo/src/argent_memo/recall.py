"""Recall: what the model is told by itself, because it may help with what was just said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from attrs import define, evolve

from argent_hookspecs import (
    ContextBlock,
    ContextRequest,
    Memory,
    MemoryFilter,
    MemoryKind,
    PluginContext,
    Transaction,
    Trust,
)
from argent_memo import conflicts
from argent_memo.audience import REFLECTION, audience_of, audiences_at, is_owners
from argent_memo.learned import AGENT, legible
from argent_memo.memo import Memo, memo_of
from argent_memo.uses import SOURCE
from argent_memo.words import terms
from argent_memo.worth import is_short, only_asks

_MOST = 8
_RECENT = 40
"""Items of a conversation that its history may tell; they take nobody's place."""
_FLOOR = 0.2
"""How sure it must be that something has to do with the event, or nothing is told."""
_AS_SURE = 0.5
"""Of the sureness of what the agent has said: somebody's word that is so sure fits, too."""
_LONGEST = 800
_STEP = 200
_OF_LABEL = 60
"""Tokens that the kernel's label of what comes from outside takes."""
_ASCII_PER_TOKEN = 3.6


_Chosen = tuple[Memory, ContextBlock]
_Within = Callable[[int, Sequence[Memory]], Iterable[_Chosen]]


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
        event, memo = request.event, self.memo
        if not memo.settings.auto_recall or not event.text.strip() or event.kind == REFLECTION:
            return []
        where = event.conversation
        owners, recent = await memo.store.database.read(partial(_look, conversation=where))
        place = audience_of(event, conversation=where, owners=owners)
        filters = MemoryFilter(
            audiences=audiences_at(place, memo.settings.share, conversation=where),
            asker=legible(event.sender_name or event.sender),
            private=request.private,
        )
        found, for_any = await memo.searching.find_apart(
            event.text, _MOST + len(recent), filters=filters, floor=_FLOOR
        )
        within = partial(_within, asked=set(terms(event.text[:_LONGEST])), recent=recent)
        told = await self._in_full(for_any)
        if found == for_any:
            blocks: Iterable[_Chosen] = within(request.budget, told)
        else:
            blocks = _for_each(request.budget, await self._in_full(found), told, within=within)
        chosen = sorted(blocks, key=lambda pair: (pair[0].said_at, pair[0].id))
        memo.told.note(request.turn, [memory for memory, _ in chosen])
        return [block for _, block in chosen]

    async def _in_full(self, found: Sequence[Memory]) -> list[Memory]:
        """Return what tells something, each with what does not agree with it."""
        found, database = _telling(found), self.memo.store.database
        ids = [memory.id for memory in found]
        against = await database.read(partial(conflicts.against, ids=ids))
        corrected = await database.read(partial(_corrections, ids=ids))
        return [
            evolve(one, source="") if one.id in corrected else one
            for one in _with_other_sides(found, against)
        ]


def _telling(found: Sequence[Memory]) -> list[Memory]:
    """Leave out what merely asks, but where the answer behind it means nothing alone.

    Likewise what the agent has said, where somebody else's word fits: it may have made it up, and
    what it is told again, it says again.
    """
    short = {memory.id for memory in found if is_short(memory.text)}
    left = [m for m in found if m.id + 1 in short or not only_asks(m.text)]
    heard = max((m.sureness for m in left if not _is_own(m)), default=0.0)
    return [m for m in left if not _is_own(m) or heard < _AS_SURE * m.sureness]


def _is_own(memory: Memory) -> bool:
    """Tell whether the agent has said it, and made it of nothing from outside."""
    said = memory.kind is MemoryKind.EPISODIC and memory.trust is Trust.PAIRED
    return said and memory.speaker == AGENT


def _look(tx: Transaction, *, conversation: str) -> tuple[bool, set[int]]:
    rows = tx.execute(_LATEST, (conversation, _RECENT)).fetchall()
    return is_owners(tx, conversation), {id for (id,) in rows}


def _corrections(tx: Transaction, *, ids: Sequence[int]) -> set[int]:
    """Return those that correct others: what the history tells is what they said before."""
    rows = tx.execute(_CORRECTIONS, (json.dumps(list(ids)),)).fetchall()
    return {id for (id,) in rows}


def _for_each(
    budget: int, found: Sequence[Memory], for_any: Sequence[Memory], *, within: _Within
) -> Iterable[_Chosen]:
    """Return the best for whichever model will answer, which nobody knows yet.

    What is better for one of this machine takes up to half of the room; no other is told it, nor
    what is found by way of it.

    Args:
        found: For a model of this machine.
        for_any: For any other.
    """
    known = {memory.id for memory, _ in within(budget, for_any)}
    better = [evolve(one, private=True) for one, _ in within(budget, found) if one.id not in known]
    chosen = {memory.id: (memory, made) for memory, made in within(budget // 2, better)}
    left = budget - sum(_tokens(made) for _, made in chosen.values())
    chosen |= {memory.id: (memory, made) for memory, made in within(left, for_any)}
    return chosen.values()


def _within(
    budget: int, found: Sequence[Memory], *, asked: Collection[str], recent: Collection[int]
) -> Iterator[_Chosen]:
    """Yield the best for which there is room."""
    count = 0
    for memory in found:
        made = block(memory, asked=asked)
        tokens = _tokens(made)
        if count == _MOST or tokens > budget:
            continue
        budget -= tokens
        count += memory.id not in recent
        yield memory, made


def _with_other_sides(
    found: Sequence[Memory], against: Mapping[int, Sequence[Memory]]
) -> Iterator[Memory]:
    """Yield memories, each with what does not agree with it: nobody knows which of them holds."""
    told = {memory.id for memory in found}
    for memory in found:
        yield _disputed(memory, against.get(memory.id, ()))
        for other in against.get(memory.id, ()):
            if other.id not in told:
                told.add(other.id)
                why = f"does not agree with memory {memory.id}"
                yield evolve(_disputed(other, [memory]), why=why)


def _disputed(memory: Memory, against: Sequence[Memory]) -> Memory:
    if not against:
        return memory
    days = sorted({one.said_at.date().isoformat() for one in against})
    doubt = f"(This does not agree with what was said on {', '.join(days)}.)"
    return evolve(memory, text=f"{memory.text} {doubt}")


def block(memory: Memory, *, asked: Collection[str] = ()) -> ContextBlock:
    """Return a memory as a model is told it: always in the same bytes, for the same question.

    Args:
        asked: Terms that are looked for in a long one.
    """
    return ContextBlock(
        text=f"You remember: {in_words(memory, asked=asked)}",
        source=f"{SOURCE}{memory.id}",
        trust=memory.trust,
        private=memory.private,
        why=memory.why,
        turn=memory.source,
    )


def in_words(memory: Memory, *, asked: Collection[str] | None = None) -> str:
    """Return a memory with when and by whom it was said.

    The owner's word stands as it is; everybody else's is reported. A text of several lines cannot
    look like several memories.

    Args:
        asked: Terms that are looked for in a long one, of which only a part is told; None for all.
    """
    day = memory.said_at.date().isoformat()
    again = f", {memory.count} times" if memory.count > 1 else ""
    if memory.holds_until is not None:
        again += f", until {memory.holds_until.date().isoformat()}"
    who = memory.speaker or "somebody"
    text = memory.text if asked is None else _excerpt(memory.text, asked)
    text = "\n  ".join(text.splitlines())
    if memory.trust is Trust.OWNER:
        return f"[{day}{again}] {who}: {text}"
    doubt = "not verified" if memory.trust is Trust.OUTSIDE else "not the owner's word"
    return f"[{day}{again}, {doubt}] {who} said: {text}"


def _excerpt(text: str, asked: Collection[str]) -> str:
    """Return the part of a long text that has most of the terms."""
    if len(text) <= _LONGEST:
        return text
    starts = range(0, len(text) - _LONGEST + _STEP, _STEP)
    windows = [(start, text[start : start + _LONGEST]) for start in starts]
    start, part = max(windows, key=lambda w: (len(set(terms(w[1])) & set(asked)), -w[0]))
    before = "… " if start else ""
    after = " …" if start + len(part) < len(text) else ""
    return f"{before}{part.strip()}{after}"


def _tokens(made: ContextBlock) -> int:
    return _estimate(made.text) + (_OF_LABEL if made.trust is Trust.OUTSIDE else 0)


def _estimate(text: str) -> int:
    """Estimate the tokens of a text, rather too many than too few, as the kernel does."""
    ascii_only = sum(c.isascii() for c in text)
    return math.ceil(ascii_only / _ASCII_PER_TOKEN + len(text) - ascii_only) + 5


_LATEST = "SELECT id FROM items WHERE place = ? ORDER BY id DESC LIMIT ?"


_CORRECTIONS = (
    "SELECT superseded_by FROM items WHERE superseded_by IN (SELECT value FROM json_each(?))"
)
