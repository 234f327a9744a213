"""The mutation gate: the kernel, made worse on purpose, which the harness must notice.

The changes are applied in the child only. This is the one place where patching our own code is
right: what is under test here is the harness.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import evolve, frozen

from argent_core.inbound import journal
from argent_core.inbound.gate import Arrival
from argent_core.inbound.intake import Intake
from argent_core.inbound.journal import Journal
from argent_core.loop.steps import Step, Steps
from argent_core.outbound import outbox
from argent_core.outbound.outbox import DueReplies, Outbox, OutboxRow
from argent_hookspecs import Address, Event, Receipt, Reply, Transaction
from tests.crash.campaign import Campaign
from tests.crash.failpoints import AFTER, BEFORE, HELD, Failpoint
from tests.crash.judge import DOUBLED, LOST, REPAID, UNSAFE_DOUBLED
from tests.crash.way import Way
from tests.crash.world import CHANNELS


@frozen
class Mutant:
    """A change for the worse.

    Args:
        name: What is wrong with it.
        patch: Makes it so, in this process.
        shows_as: The figures of which one must rise.
        aims: Failpoints that bring it out. A long run comes to them anyway; the gate is short, and
            must be certain.
    """

    name: str
    patch: Callable[[], None]
    shows_as: tuple[str, ...]
    aims: tuple[Failpoint, ...]


def replace(owner: Any, name: str, worse: Any) -> None:
    """Put something worse in a place that must be there."""
    getattr(owner, name)
    setattr(owner, name, worse)


def _acknowledge_before_commit() -> None:
    store = Intake._store
    under_way = set()

    async def acknowledged_at_once(self: Intake, arrival: Arrival, **facts: Any) -> str:
        async def later() -> None:
            await store(self, arrival, **facts)
            self.stored()

        task = asyncio.create_task(later())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        return "not stored yet"

    replace(Intake, "_store", acknowledged_at_once)


def _send_without_outbox() -> None:
    waiting: dict[str, OutboxRow] = {}
    under_way: dict[str, OutboxRow] = {}

    def put(tx: Transaction, reply: Reply, *, now: float, held: str = "") -> None:
        waiting[reply.key] = OutboxRow(0, reply, 0, now)

    async def begin_due(
        self: Outbox, room: Mapping[str, int], *, busy: Collection[Address]
    ) -> DueReplies:
        first = {row.reply.to: row for row in reversed(waiting.values())}
        begun = [row for to, row in first.items() if to not in busy]
        for row in begun:
            under_way[row.reply.key] = waiting.pop(row.reply.key)
        return DueReplies(tuple(begun), expired=(), next_due=None, skipped=bool(waiting))

    async def sent(self: Outbox, row: OutboxRow, receipt: Receipt) -> bool:
        del under_way[row.reply.key]
        return bool(waiting)

    async def settle(self: Outbox, row: OutboxRow, state: str, **_: Any) -> None:
        del under_way[row.reply.key]
        if state == "pending":
            waiting[row.reply.key] = row

    async def count(self: Outbox) -> dict[str, int]:
        return {"pending": len(waiting) + len(under_way), "unknown": 0}

    replace(outbox, "put", put)
    for method in (begin_due, sent, settle, count):
        replace(Outbox, method.__name__, method)


def _leave_steps_unrecorded() -> None:
    async def begin(self: Steps, kind: str, name: str, *, request: Any, **_: Any) -> Step:
        n = self._position
        self._position += 1
        return Step(n, kind, name, f"{self.lease.id}-{n}", "intent", request)

    async def end(self: Steps, step: Step, state: str, *, result: Any, **_: Any) -> Step:
        return evolve(step, state=state, result=result)

    async def steer(self: Steps, seqs: list[int], events: list[Event]) -> None:
        now = self.journal.now()
        await self.journal.database.write(
            lambda tx: journal.join(tx, self.lease, seqs=seqs, now=now)
        )
        self._position += 1

    for method in (begin, end, steer):
        replace(Steps, method.__name__, method)


def _store_cursor_apart() -> None:
    append = Journal.append

    async def cursor_first(
        self: Journal, event: Event, *, source: str, cursor: str | None = None, **facts: Any
    ) -> str | None:
        sql = "INSERT OR REPLACE INTO cursors VALUES (?, ?)"
        await self.database.write(lambda tx: tx.execute(sql, (source, cursor)).rowcount)
        return await append(self, event, source=source, **facts)

    replace(Journal, "append", cursor_first)


def _take_every_message() -> None:
    append = Journal.append

    async def without_key(self: Journal, event: Event, **facts: Any) -> str | None:
        return await append(self, evolve(event, dedupe_key=None), **facts)

    replace(Journal, "append", without_key)


def at(phase: str, *names: str) -> tuple[Failpoint, ...]:
    """Return the first failpoints of some places."""
    return tuple(Failpoint(name, phase, nth) for name in names for nth in (1, 2, 3))


_CHANNELS = tuple(kind.name for kind in CHANNELS)
MUTANTS = (
    Mutant(
        "acknowledgement before commit",
        _acknowledge_before_commit,
        (LOST,),
        at(HELD, "commit insert events"),
    ),
    Mutant(
        "send without outbox",
        _send_without_outbox,
        (LOST,),
        at(BEFORE, *(f"deliver {name}" for name in _CHANNELS)),
    ),
    Mutant(
        "steps not recorded",
        _leave_steps_unrecorded,
        (REPAID, DOUBLED, UNSAFE_DOUBLED),
        at(AFTER, "tool blind", "tool idempotent", "tool queryable"),
    ),
    Mutant(
        "cursor apart from the event",
        _store_cursor_apart,
        (LOST,),
        at(AFTER, "commit insert cursors"),
    ),
    Mutant(
        "no de-duplication",
        _take_every_message,
        (DOUBLED, UNSAFE_DOUBLED),
        at(BEFORE, *(f"acknowledge {name}" for name in _CHANNELS)),
    ),
)

MOST_KILLS = 300
"""After so many every failpoint that matters was hit, several times."""


def survivor(mutant: Mutant, seed: str, way: Way) -> str | None:
    """Return why a mutant was not caught, or None if it was.

    It counts only if it keeps every promise while nobody kills it, and then breaks one of those
    that it must break.
    """
    calm = Campaign(seed, 0, way, patch=mutant.patch)
    if not calm.stay_calm():
        failure = calm.failures[0]
        return f"it is wrong without any kill: {failure.findings[0].words}; see {failure.folder}"
    campaign = Campaign(
        seed, MOST_KILLS, way, patch=mutant.patch, until_caught=True, lives=8, aims=mutant.aims
    )
    campaign.run()
    broken = {finding.figure for failure in campaign.failures for finding in failure.findings}
    for failure in campaign.failures:
        shutil.rmtree(failure.folder)
    if broken & set(mutant.shows_as):
        return None
    return f"it broke {', '.join(sorted(broken)) or 'nothing'} in {campaign.done} kills"
