"""The mutation gate of the memory: capture, made worse on purpose, in the child only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import evolve

from argent_hookspecs import NewMemory, Transaction
from argent_memo import capture, store
from argent_memo.capture import Capture
from argent_memo.echoes import Echoes
from tests.crash.failpoints import AFTER, BEFORE
from tests.crash.memory.judge import MEMORIES_DOUBLED, MEMORIES_LOST
from tests.crash.mutants import Mutant, at, replace

_MOVED = "commit memory.db: insert notes"
_KEPT = "commit memory.db: insert items"


def _keep(tx: Transaction, *, found: Sequence[Any], now: float) -> None:
    for one in found:
        capture._keep(tx, one, now=now, share={})


def _move_before_keeping() -> None:
    async def step(self: Capture) -> int:
        database = self.store.database
        turns = await self.ctx.turns.after(await database.read(capture._position), 20)
        if turns:
            await database.write(partial(capture._move, number=turns[-1].number))
            now = self.ctx.clock.now().timestamp()
            await database.write(partial(_keep, found=capture._read(turns, Echoes()), now=now))
        return len(turns)

    replace(Capture, "step", step)


def _move_after_keeping_what_has_no_key() -> None:
    add = store.add

    def without_key(tx: Transaction, new: NewMemory, **given: Any) -> int:
        return add(tx, evolve(new, key=uuid.uuid4().hex), **given)

    async def step(self: Capture) -> int:
        database = self.store.database
        turns = await self.ctx.turns.after(await database.read(capture._position), 20)
        if turns:
            now = self.ctx.clock.now().timestamp()
            await database.write(partial(_keep, found=capture._read(turns, Echoes()), now=now))
            await database.write(partial(capture._move, number=turns[-1].number))
        return len(turns)

    replace(store, "add", without_key)
    replace(Capture, "step", step)


def _begin_with_what_ends_now() -> None:
    run = Capture.run

    async def from_now_on(self: Capture) -> None:
        self.keeping = False
        await self.catch_up()
        self.keeping = True
        await run(self)

    replace(Capture, "run", from_now_on)


MUTANTS = (
    Mutant("cursor before the memories", _move_before_keeping, (MEMORIES_LOST,), at(AFTER, _MOVED)),
    Mutant(
        "cursor after memories without keys",
        _move_after_keeping_what_has_no_key,
        (MEMORIES_DOUBLED,),
        at(AFTER, _KEPT),
    ),
    Mutant(
        "nothing of what ended before the start",
        _begin_with_what_ends_now,
        (MEMORIES_LOST,),
        at(BEFORE, _KEPT),
    ),
)
