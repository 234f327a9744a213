"""The agent's loop: claims events and gives each a turn.

Turns of different conversations run side by side; one place is kept for a person, so that
background work never makes them wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence

from attrs import define, field

from argent_core.config import LoopSettings
from argent_core.inbound.journal import Journal, Lease
from argent_core.loop import turn_store
from argent_core.loop.agent_state import AgentState
from argent_core.loop.agent_turn import AgentTurn
from argent_core.loop.deadline import Deadline
from argent_core.loop.running_turn import RunningTurn
from argent_core.loop.steps import Steps
from argent_core.loop.turn_store import CancelledTurn
from argent_core.loop.workshop import Workshop
from argent_core.running import to_its_end
from argent_hookspecs import Transaction, TurnFinished

_LONGEST_SLEEP = 30.0
_AGE_EVERY = 60.0
_PUT_BACK_SECONDS = 5.0
_BUSIEST = (AgentState.RESPONDING, AgentState.WAITING_TOOL, AgentState.PROCESSING)


@define(eq=False, repr=False)
class AgentLoop:
    """Runs turns.

    Args:
        settings: How many conversations run side by side, the person's place included; how long a
            turn may take; how often an event is tried without getting a step further.
        delivered: Called when there may be something new in the outbox.
    """

    shop: Workshop
    settings: LoopSettings
    delivered: Callable[[], None]
    running: dict[str, RunningTurn] = field(factory=dict)
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _crowded: bool = False
    _aged: float = 0.0
    _failing: dict[str, float] = field(factory=dict)

    @property
    def journal(self) -> Journal:
        """The queue that it takes events from."""
        return self.shop.journal

    @property
    def state(self) -> AgentState:
        """What the agent does now: the furthest that any turn is."""
        states = {running.turn.state.state for running in self.running.values()}
        return next((state for state in _BUSIEST if state in states), AgentState.IDLE)

    def wake(self) -> None:
        """Look for events now."""
        self._wake.set()

    async def run(self) -> None:
        """Begin turns until cancelled; ``put_back`` ends those that are under way then."""
        while True:
            self._wake.clear()
            await self._age()
            seconds = await to_its_end(self._claim())  # what is on record as begun is begun
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, _LONGEST_SLEEP)):
                    await self._wake.wait()

    def extend_deadlines(self, plugin: str) -> None:
        """Give turns their whole time again whose model's plugin works, on a download perhaps."""
        for running in self.running.values():
            calls = running.turn.calls
            if calls is not None and calls.plugin == plugin:
                running.turn.deadline.extend()

    async def stop(self, conversation: str | None = None, *, reason: str = "stopped") -> int:
        """End the turns of a conversation, or all, where they are; return how many there were.

        A turn that waits for a person's word is ended too.
        """
        await asyncio.sleep(0)  # a task that never began could not put its end on record
        found = [
            running
            for running in self.running.values()
            if conversation in (None, running.event.conversation)
        ]
        for running in found:
            running.stop(reason)
        if found:
            await asyncio.wait([running.task for running in found])
        return len(found) + await self._stop_waiting(conversation, reason)

    async def end(self, cancelled: Sequence[CancelledTurn], reason: str) -> None:
        """End turns that were cancelled on record, and tell of those that were not running."""
        await asyncio.sleep(0)  # as in stop
        for turn in cancelled:
            running = self.running.get(turn.id)
            if running is not None:
                running.stop(reason)
            else:
                self._tell_cancelled(turn, reason)
        self.wake()
        self.delivered()

    async def _claim(self) -> float:
        """Begin a turn for each event that there is a place for.

        Returns:
            The seconds until the next is due, or an approval expires.
        """
        now, running = self.journal.now(), len(self.running)
        background = sum(not r.event.from_person for r in self.running.values())
        most, most_background = self.settings.conversations, max(1, self.settings.conversations - 1)

        def work(tx: Transaction) -> tuple[list[Lease], float, bool]:
            dues = [self.shop.approvals.expire(tx)]
            leases: list[Lease] = []
            crowded = True
            while running + len(leases) < most:
                busy = background + sum(not lease.event.from_person for lease in leases)
                lease = self.journal.take(tx, person_only=busy >= most_background)
                if lease is None:
                    crowded = busy >= most_background
                    dues.append(self.journal.next_due(tx))
                    break
                turn_store.begin(tx, lease, now=now)
                leases.append(lease)
            soonest = min((due for due in dues if due is not None), default=math.inf)
            return leases, soonest, crowded

        leases, seconds, self._crowded = await self.journal.database.write(work)
        if self._crowded and len(self.running) < running:
            self.wake()  # a place became free meanwhile
        for lease in leases:
            self._begin(lease)
        return seconds

    def _begin(self, lease: Lease) -> None:
        steps = Steps(self.journal, lease, self.shop.make_room)
        turn = AgentTurn(self.shop, lease, steps, Deadline(self._seconds(lease)))
        running = RunningTurn(self.shop, self.settings, turn, self._failing)
        self.running[lease.id] = running

        def ended(_: asyncio.Task[None]) -> None:
            if self._crowded or not turn.is_last:
                self.wake()
            if self.running.get(lease.id) is running:
                del self.running[lease.id]
            self.delivered()

        running.task.add_done_callback(ended)

    def _seconds(self, lease: Lease) -> float:
        """Return how long a turn may take: a person does not wait the whole time for each try."""
        whole, since = self.settings.turn_seconds, self._failing.get(lease.id)
        if since is None or not lease.event.from_person:
            return whole
        return max(0.0, whole - (self.journal.clock.monotonic() - since))

    async def _stop_waiting(self, conversation: str | None, reason: str) -> int:
        stopped = await turn_store.cancel_waiting(self.journal, conversation, reason=reason)
        for turn in stopped:
            self._tell_cancelled(turn, reason)
        self.wake()
        return len(stopped)

    def _tell_cancelled(self, turn: CancelledTurn, reason: str) -> None:
        where = turn.conversation
        self.shop.publish(
            TurnFinished(
                turn=turn.id, conversation=where, to=turn.to, state="cancelled", reason=reason
            )
        )

    async def _age(self) -> None:
        """Let what waits for long rise, every now and then."""
        now = self.journal.now()
        if now - self._aged > _AGE_EVERY or now < self._aged:
            self._aged = now
            await self.journal.age()

    async def put_back(self) -> None:
        """Put the turns under way back, uncounted.

        One that cannot be put on record in time is left as it is; the next run takes it up.
        """
        await asyncio.sleep(0)  # as in stop
        left = {running.task for running in self.running.values()}
        for seconds in (_PUT_BACK_SECONDS, None):
            for task in left:
                task.cancel()
            if left:
                _, left = await asyncio.wait(left, timeout=seconds)
