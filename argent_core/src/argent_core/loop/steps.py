"""Steps: every model call and tool call of a turn, on record before and after it is made.

A turn that is interrupted resumes from its steps: what is finished is not done again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Any

from attrs import astuple, define, evolve, field, frozen

from argent_core import codec
from argent_core.backoff import backoff
from argent_core.inbound import journal
from argent_core.inbound.journal import Journal, Lease
from argent_hookspecs import DiskFull, Event, StorageError, Transaction

log = logging.getLogger("argent.steps")

_LONGEST_WAIT = 30.0


@frozen
class Step:
    """One step of a turn.

    Args:
        n: Its place in the turn, from 0.
        kind: ``model``, ``tool`` or ``steer``.
        name: The model, or the tool.
        key: The same for every try of this step.
        state: ``intent``, ``done``, ``failed`` or ``unknown``.
        request: What was asked, as JSON values.
        result: What came of it, as JSON values.
    """

    n: int
    kind: str
    name: str
    key: str
    state: str
    request: Any
    result: Any = None


@frozen(kw_only=True)
class Paid:
    """What a model used for a step.

    Args:
        model: The one that answered, which may be another than was asked first.
        cost: In dollars.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cost: float


@define(eq=False, repr=False)
class Steps:
    """The steps of one turn: those on record are given back first, in order.

    Args:
        make_room: Called when the disk is too full for what came of a step.
        attempts: How often the turn was tried without getting a step further, this time included.
    """

    journal: Journal
    lease: Lease
    make_room: Callable[[], None]
    attempts: int = field(init=False)
    _recorded: list[Step] = field(factory=list)
    _position: int = 0

    def __attrs_post_init__(self) -> None:
        self.attempts = self.lease.attempts

    async def load(self) -> None:
        """Read what is on record, if anything can be."""
        if not self.lease.resumed:
            return
        sql = (
            "SELECT n, kind, name, key, state, request, result FROM steps WHERE turn = ? ORDER BY n"
        )
        rows = await self.journal.database.read(
            lambda tx: tx.execute(sql, (self.lease.id,)).fetchall()
        )
        self._recorded = [
            Step(n, kind, name, key, state, codec.read(asked), codec.read(came) if came else None)
            for n, kind, name, key, state, asked, came in rows
        ]

    def recorded(self, kind: str) -> Step | None:
        """Return the step on record at this place, if it is of this kind, and move on."""
        if self._position < len(self._recorded):
            step = self._recorded[self._position]
            if step.kind == kind:
                self._position += 1
                return step
        return None

    @property
    def upcoming(self) -> Step | None:
        """The next step on record, if there is one that was not given back yet."""
        return self._recorded[self._position] if self.replaying else None

    @property
    def replaying(self) -> bool:
        """Whether there are steps on record that were not given back yet."""
        return self._position < len(self._recorded)

    async def begin(
        self,
        kind: str,
        name: str,
        *,
        request: Any,
        durable: bool = False,
        also: Callable[[Transaction], object] | None = None,
    ) -> Step:
        """Record that a step is about to be made.

        Args:
            durable: Whether the record must survive a power cut: before an effect that cannot be
                repeated.
            also: Done in the same transaction.
        """
        n = self._position
        text = codec.dump(request)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        step = Step(n, kind, name, f"{self.lease.id}-{n}-{digest}", "intent", request)
        started = self.journal.now()

        def insert(tx: Transaction) -> None:
            journal.check(tx, self.lease)
            if also is not None:
                also(tx)
            tx.execute(
                "INSERT INTO steps (turn, n, kind, name, key, state, request, started_at)"
                " VALUES (?, ?, ?, ?, ?, 'intent', ?, ?)",
                (self.lease.id, n, kind, name, step.key, text, started),
            )

        await self.journal.database.write(insert, durable=durable)
        self._position += 1
        return step

    async def end(
        self,
        step: Step,
        state: str,
        *,
        result: Any,
        paid: Paid | None = None,
        also: Callable[[Transaction], object] | None = None,
    ) -> Step:
        """Record what came of a step, however long that takes: nobody else knows it.

        Args:
            state: ``done``, ``failed`` or ``unknown``.
            paid: What a model used for it.
            also: Done in the same transaction.
        """
        text = codec.dump(result)
        finished = self.journal.now()
        name, *used = (step.name, None, None, None) if paid is None else astuple(paid)

        def update(tx: Transaction) -> None:
            journal.progressed(tx, self.lease)
            if also is not None:
                also(tx)
            tx.execute(
                "UPDATE steps SET state = ?, name = ?, result = ?, finished_at = ?,"
                " input_tokens = ?, output_tokens = ?, cost = ? WHERE turn = ? AND n = ?",
                (state, name, text, finished, *used, self.lease.id, step.n),
            )

        await self._store(update)
        self.attempts = 1
        return evolve(step, state=state, result=result)

    async def steer(self, seqs: list[int], events: list[Event]) -> None:
        """Make messages that came in between part of the turn."""
        n, now = self._position, self.journal.now()
        text = codec.dump(events, list[Event])

        def insert(tx: Transaction) -> None:
            journal.join(tx, self.lease, seqs=seqs, now=now)
            tx.execute(
                "INSERT INTO steps (turn, n, kind, name, key, state, request, result, started_at,"
                " finished_at) VALUES (?, ?, 'steer', '', ?, 'done', ?, '[]', ?, ?)",
                (self.lease.id, n, f"{self.lease.id}-{n}", text, now, now),
            )

        await self.journal.database.write(insert)
        self._position += 1

    async def _store(self, update: Callable[[Transaction], None]) -> None:
        tries = 0
        while True:
            try:
                return await self.journal.database.write(update)
            except StorageError as error:
                tries += 1
                log.error("a step of turn %s is not on record yet: %s", self.lease.id, error)
                if isinstance(error, DiskFull):
                    self.make_room()
                await asyncio.sleep(backoff(tries, longest=_LONGEST_WAIT) if tries > 1 else 0)
