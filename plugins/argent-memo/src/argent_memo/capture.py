"""Capture: what is kept of a turn, after it ended and in the background.

Turns are read from the journal in the order in which they ended. What comes of some of them and the
number of the last go into one transaction, and every item has a key of its turn, so that a turn
leaves the same items however often it is looked at, and none is left out. While nothing is to be
kept, the number moves on with the turns: what was said then is never kept later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from attrs import define, evolve, field, frozen

from argent_hookspecs import (
    DiskFull,
    FinishedTurn,
    NewMemory,
    PluginContext,
    StorageError,
    Transaction,
    Trust,
)
from argent_memo import derived, learned, not_kept, store, uses, worth
from argent_memo.audience import audience_of, is_owners
from argent_memo.echoes import Echoes
from argent_memo.items import ODD, Place, storable
from argent_memo.learned import Said
from argent_memo.not_kept import NotKept
from argent_memo.uses import Made

Share = Mapping[str, Sequence[str]]

_NOTE = "capture"
_BATCH = 20
_SKIPPED = 500
_AGAIN_SECONDS = 60.0
_LEFT_OUT = "sentences that tell a secret, which are not kept: %d of turn %s"


@frozen
class _Turn:
    """A turn, what was said in it, and how many sentences were left out as secrets."""

    turn: FinishedTurn
    said: Sequence[Said]
    left_out: int


@define(eq=False, repr=False)
class Capture:
    """Follows the journal.

    Args:
        keeping: Whether what is said is kept.
        share: Where else what was told in one place may come up.
    """

    ctx: PluginContext
    store: store.Store
    keeping: bool = True
    share: Share = field(factory=dict)
    _echoes: Echoes | None = None
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _turn: asyncio.Lock = field(factory=asyncio.Lock)
    _not_before: float = 0.0

    def wake(self) -> None:
        """Look at once: a turn has ended."""
        self._wake.set()

    async def run(self) -> None:
        """Follow the journal until cancelled; what fails is tried again a little later."""
        missed = True
        while True:
            self._wake.clear()
            try:
                if missed:
                    await self.try_again()
                    missed = False
                await self.catch_up()
            except StorageError as error:
                self.ctx.log.warning("nothing is kept for now: %s", error)
            except ODD as error:
                self.ctx.log.error("nothing is kept for now: %r", error, exc_info=error)
            left = self._not_before - self.ctx.clock.monotonic()
            try:
                async with asyncio.timeout(left if left > 0 else _AGAIN_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def try_again(self) -> None:
        """Try to keep the turns that were passed over; those that have left the journal are gone.

        Raises:
            StorageError: Not now.
        """
        database = self.store.database
        async with self._turn:
            passed = [one for one in await database.read(not_kept.all_of) if one.passed]
            for one in passed if self.keeping else ():
                turns = await self.ctx.turns.after(one.number - 1, 1)
                if [turn.id for turn in turns] == [one.turn]:
                    await self._keep(turns)
                else:
                    await database.write(partial(not_kept.clear, turns=[one.turn]))

    async def catch_up(self) -> None:
        """Deal with all turns that have ended, those of an old home perhaps; say how far it is.

        Raises:
            StorageError: Not now; one turn that fails is tried a few times, then passed over.
        """
        done = 0
        while count := await self.step():
            done += count
            if done > _BATCH:
                self.ctx.progress("going through what was said before", done=done, unit="turns")

    async def step(self) -> int:
        """Deal with the next turns; return how many there were, none while one is put off."""
        async with self._turn:
            if self.ctx.clock.monotonic() < self._not_before:
                return 0
            number = await self.store.database.read(_position)
            limit = _BATCH if self.keeping else _SKIPPED
            turns = await self.ctx.turns.after(number, limit)
            if turns and self.keeping:
                await self._keep(turns)
            elif turns:
                await self.store.database.write(partial(_move, number=turns[-1].number))
            return len(turns)

    async def _keep(self, turns: Sequence[FinishedTurn]) -> None:
        """Keep what was said in some turns; one that cannot be kept is put off or passed over."""
        try:
            if self._echoes is None:
                self._echoes = await self._heard_before(turns[0].number)
            found = await asyncio.to_thread(_read, turns, self._echoes)
            now = self.ctx.clock.now().timestamp()
            work = partial(_keep_all, found=found, now=now, share=self.share)
            await self.store.database.write(work)
            for one in found:
                if one.left_out:
                    self.ctx.log.info(_LEFT_OUT, one.left_out, one.turn.id)
        except DiskFull:
            raise
        except (StorageError, *ODD) as error:
            if len(turns) == 1:
                await self._fail(turns[0], error)
                return
            for turn in turns:
                await self._keep([turn])

    async def _heard_before(self, number: int) -> Echoes:
        """Read the secrets of the last turns again: they stand nowhere but in the journal."""
        turns = await self.ctx.turns.after(max(0, number - 1 - _SKIPPED), _SKIPPED)
        echoes = Echoes()
        await asyncio.to_thread(_read, [one for one in turns if one.number < number], echoes)
        return echoes

    async def _fail(self, turn: FinishedTurn, error: Exception) -> None:
        """Put a turn off that cannot be kept, or pass it over.

        Raises:
            StorageError: It is put off; or it is the file that cannot be written to, and not for
                this turn alone.
        """
        stored = isinstance(error, StorageError)
        why = str(error) if stored else type(error).__name__
        work = partial(_note, turn=turn, why=why, again=stored)
        noted = await self.store.database.write(work)
        if stored and not noted.passed:
            wait = not_kept.WAITS[noted.tries - 1]
            self._not_before = self.ctx.clock.monotonic() + wait
            raise error
        self.ctx.log.error("turn %s (%d) cannot be kept: %s", turn.id, turn.number, why)


def _read(turns: Sequence[FinishedTurn], echoes: Echoes) -> list[_Turn]:
    """Read what was said, beside the event loop: it may be long."""
    return [_Turn(turn, *learned.said(turn, echoes=echoes)) for turn in turns]


def _keep_all(tx: Transaction, *, found: Sequence[_Turn], now: float, share: Share) -> None:
    for one in found:
        _keep(tx, one, now=now, share=share)
        not_kept.leave_out(tx, one.left_out, at=one.turn.at)
    not_kept.clear(tx, [one.turn.id for one in found])
    _move(tx, number=found[-1].turn.number)


def _note(tx: Transaction, *, turn: FinishedTurn, why: str, again: bool) -> NotKept:
    noted = not_kept.fail(tx, turn, why=why, again=again)
    if noted.passed:
        _move(tx, number=turn.number)
    return noted


def _keep(tx: Transaction, one: _Turn, *, now: float, share: Share) -> None:
    turn = one.turn
    place = Place(origin="turn", name=turn.conversation)
    owners = is_owners(tx, turn.conversation)
    audience = audience_of(turn.event, conversation=turn.conversation, owners=owners)
    last = tx.execute(_LAST, (turn.conversation,)).fetchone()
    made = uses.keep(tx, turn, now=now)
    says = list[int]()
    wanted = list[tuple[Said, str, list[NewMemory]]]()
    for said in one.said:
        before = said.before if said.before is not None else last[0] if last else ""
        kept = learned.memories(turn, said, audience=audience, before=before)
        if said.part == "answered":
            own = [_as_made(memory, made, share=share) for memory in kept]
            kept = [] if _is_known(tx, said, turn) else [new for new in own if new is not None]
        wanted.append((said, before, kept))
    answered = any(kept for said, _, kept in wanted if said.part == "answered")
    for said, before, kept in wanted:
        told = said.part == "answered" or not worth.is_bare_question(said.text)
        if not told and not (answered and worth.asks_something(said.text)):
            continue
        alone = learned.stands_alone(said, before=before)
        ids = [_add(tx, new, place=place, now=now, alone=alone) for new in kept]
        if said.part == "asked":
            says = ids
        else:
            for id in ids:
                uses.link(tx, id, made=made)
    _replace(tx, turn, says)


def _is_known(tx: Transaction, said: Said, turn: FinishedTurn) -> bool:
    """Tell whether an answer only says what is remembered to what merely asks."""
    if turn.outside or not worth.is_bare_question(asked := said.before or ""):
        return False
    known = tx.execute(_KNOWN, (turn.id, turn.id, turn.conversation)).fetchall()
    return worth.says_again(said.text, asked=asked, known=[text for (text,) in known])


def _add(tx: Transaction, new: NewMemory, *, place: Place, now: float, alone: bool) -> int:
    new = storable(new)
    again = worth.repeated_question(tx, new) if alone else None
    if again is not None and not store.is_known(tx, new):
        store.say_again(tx, again, new=new, now=now)
        return again
    return store.add(tx, new, place=place, now=now, merge=alone)


def _as_made(memory: NewMemory, made: Made, *, share: Share) -> NewMemory | None:
    """Return an answer with what it takes over from what it is made of; None if nobody may hear."""
    trust = Trust.OUTSIDE if made.outside else memory.trust
    audience = derived.narrowest([memory.audience, *made.audiences], share)
    if audience is None:
        return None
    private = memory.private or made.private
    return evolve(memory, trust=trust, private=private, audience=audience)


def _replace(tx: Transaction, turn: FinishedTurn, ids: Sequence[int]) -> None:
    """Note which items say what a message says, and supersede what it said before.

    A turn that is kept late, after one that edited the message, tells what it said before that.
    """
    found = learned.replaced(turn.event)
    if found is None:
        return
    name, edited = found
    message = (turn.conversation, name)
    (last,) = tx.execute(_LAST_EDIT, message).fetchone()
    late = last is not None and last > turn.number
    rows = [(*message, id, turn.number if edited else 0) for id in ids]
    tx.executemany(_SAYS, rows)
    live = tx.execute(_LIVE, message).fetchall()
    now = [id for id, edit, _ in live if edit == last] if late else ids
    for id, _, count in live if edited or late else ():
        if id in now or count > 1 or (late and id not in ids):
            continue
        if now:
            store.supersede(tx, id, by=now[0])
        else:  # it says nothing by now that may be kept
            store.archive(tx, id)
    if edited and not late and not ids:
        tx.execute(_EDITED_AWAY, (turn.number, *message))


def _move(tx: Transaction, *, number: int) -> None:
    """Note how far the journal was followed; that never goes back."""
    last = max(number, _position(tx))
    tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_NOTE, str(last)))


def _position(tx: Transaction) -> int:
    row = tx.execute("SELECT value FROM notes WHERE name = ?", (_NOTE,)).fetchone()
    return 0 if row is None else int(row[0])


_LAST = "SELECT text FROM items WHERE place = ? ORDER BY id DESC LIMIT 1"
_KNOWN = (
    "SELECT text FROM items JOIN uses ON uses.item = items.id WHERE uses.turn = ? UNION"
    " SELECT text FROM (SELECT text FROM items WHERE source != ? AND place = ?"
    " AND trust != 'outside' ORDER BY id DESC LIMIT 20)"
)
_LAST_EDIT = "SELECT MAX(edit) FROM messages WHERE place = ? AND message = ?"
_EDITED_AWAY = "UPDATE messages SET edit = ? WHERE place = ? AND message = ?"
_SAYS = (
    "INSERT INTO messages VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET edit = MAX(edit, excluded.edit)"
)
_LIVE = (
    "SELECT item, edit, count FROM messages JOIN items ON items.id = item"
    " WHERE messages.place = ? AND message = ? AND state = 'live'"
)
