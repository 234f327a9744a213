"""Capture: what is kept of a turn, after it ended and in the background.

Turns are read from the journal in the order in which they ended. What comes of some of them and the
number of the last go into one transaction, and every item has a key of its turn, so that a turn
leaves the same items however often it is looked at, and none is left out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from functools import partial

from attrs import define, field, frozen

from argent_hookspecs import (
    Event,
    FinishedTurn,
    MemoryKind,
    NewMemory,
    PluginContext,
    StorageError,
    Text,
    Transaction,
    Trust,
)
from argent_memo import store
from argent_memo.audience import audience_of
from argent_memo.confidential import is_confidential
from argent_memo.items import Place
from argent_memo.uses import Uses

AGENT = "Argent"
"""The speaker of what the agent said."""
_NOTE = "capture"
_BATCH = 50
_LONGEST = 2000
_AGAIN_SECONDS = 60.0
_KINDS = ("message",)


@frozen
class Kept:
    """Something that is kept of a turn."""

    memory: NewMemory
    place: Place


@define(eq=False, repr=False)
class Capture:
    """Follows the journal.

    Args:
        uses: Learns whether what was recalled mattered.
    """

    ctx: PluginContext
    store: store.Store
    uses: Uses
    _wake: asyncio.Event = field(factory=asyncio.Event)

    def wake(self) -> None:
        """Look at once: a turn has ended."""
        self._wake.set()

    async def run(self) -> None:
        """Follow the journal until cancelled; what fails is tried again a little later."""
        while True:
            self._wake.clear()
            try:
                while await self.step():
                    pass
            except StorageError as error:
                self.ctx.log.warning("nothing is kept for now: %s", error)
            try:
                async with asyncio.timeout(_AGAIN_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def step(self) -> bool:
        """Deal with the next turns; return whether there were any."""
        number = await self.store.database.read(_position)
        turns = await self.ctx.turns.after(number, _BATCH)
        if not turns:
            return False
        now = self.ctx.clock.now().timestamp()
        await self.store.database.write(partial(self._keep, turns=turns, now=now))
        return True

    def _keep(self, tx: Transaction, *, turns: Sequence[FinishedTurn], now: float) -> None:
        for turn in turns:
            for kept in learned(turn):
                store.add(tx, kept.memory, place=kept.place, now=now)
            self.uses.keep(tx, turn, now=now)
        tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_NOTE, str(turns[-1].number)))


def learned(turn: FinishedTurn) -> Iterator[Kept]:
    """Return what is worth keeping of a turn: what was asked, and what was answered."""
    event = turn.event
    if event is not None and event.kind not in _KINDS:
        return
    if turn.asked.startswith("/"):
        return
    place = Place(origin="turn", name=turn.conversation)
    audience = audience_of(event, conversation=turn.conversation)
    asked = Trust.OUTSIDE if _is_passed_on(turn) else turn.trust
    # An answer is a model's words: never the owner's, and no better than what it was told.
    answered = Trust.OUTSIDE if turn.outside or asked is Trust.OUTSIDE else Trust.PAIRED
    said = (("asked", turn.asked, _speaker(event), asked),)
    for part, text, speaker, trust in (*said, ("answered", turn.answered, AGENT, answered)):
        if is_confidential(text):
            continue
        for n, piece in enumerate(_pieces(text)):
            memory = NewMemory(
                text=piece,
                kind=MemoryKind.EPISODIC,
                key=f"{turn.id}/{part}/{n}",
                speaker=speaker,
                said_at=turn.at,
                source=turn.id,
                trust=trust,
                audience=audience,
                private=turn.private,
            )
            yield Kept(memory, place)


def _is_passed_on(turn: FinishedTurn) -> bool:
    """Tell whether somebody else's words are among what was asked, a forward perhaps."""
    if turn.event is None:
        return turn.outside
    return any(isinstance(part, Text) and part.source for part in turn.event.content)


def _speaker(event: Event | None) -> str:
    return "" if event is None else event.sender_name or event.sender


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text where a paragraph or a sentence ends, so that a piece is about one thing."""
    rest = text.strip()
    while len(rest) > _LONGEST:
        ends = [m.end() for m in re.finditer(r"\n\s*\n|[.!?。！？؟।]\s+|\n", rest[:_LONGEST])]
        end = ends[-1] if ends and ends[-1] > _LONGEST // 4 else _LONGEST
        yield rest[:end].strip()
        rest = rest[end:].strip()
    if rest:
        yield rest


def _position(tx: Transaction) -> int:
    row = tx.execute("SELECT value FROM notes WHERE name = ?", (_NOTE,)).fetchone()
    return 0 if row is None else int(row[0])
