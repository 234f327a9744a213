"""The agent's loop: claims events, gives each a turn, and puts the end of each on record.

Turns of different conversations run side by side; one place is kept for a person, so that
background work never makes them wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from attrs import define, field

from argent_core import log as log_file
from argent_core.backoff import backoff
from argent_core.config import LoopSettings
from argent_core.guard import attempt_async
from argent_core.inbound.journal import MAX_BACKOFF_SECONDS, Journal, Lease, LeaseLost
from argent_core.loop import turn_store
from argent_core.loop.agent_state import AgentState
from argent_core.loop.agent_turn import AgentTurn, reply_to
from argent_core.loop.approvals import ApprovalNeeded
from argent_core.loop.filters import Rejected
from argent_core.loop.running_turn import RunningTurn
from argent_core.loop.steps import Steps
from argent_core.loop.turn_store import Ending
from argent_core.loop.workshop import Workshop
from argent_core.running import to_its_end
from argent_hookspecs import (
    ArgentError,
    ContextTooLong,
    DiskFull,
    ModelRejected,
    ModelUnavailable,
    StorageError,
    Transaction,
    Trust,
    TurnFinished,
    TurnStarted,
)

log = logging.getLogger("argent.loop")

_LONGEST_SLEEP = 30.0
_AGE_EVERY = 60.0
_PUT_BACK_SECONDS = 5.0
_APOLOGY = "Sorry, I could not answer this"
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
        until = asyncio.get_running_loop().time() + self.settings.turn_seconds
        for running in self.running.values():
            deadline, calls = running.deadline, running.turn.calls
            mine = calls is not None and calls.plugin == plugin
            if mine and deadline is not None and not deadline.expired():
                deadline.reschedule(until)

    async def stop(self, conversation: str | None = None, *, reason: str = "stopped") -> int:
        """End the turns of a conversation, or all, where they are; return how many there were.

        A turn that waits for a person's word is ended too.
        """
        await asyncio.sleep(0)  # a task that never began could not put its end on record
        found = [
            running
            for running in self.running.values()
            if conversation in (None, running.turn.lease.event.conversation)
        ]
        for running in found:
            running.stopped = reason
            running.task.cancel()
        if found:
            await asyncio.wait([running.task for running in found])
        return len(found) + await self._stop_waiting(conversation, reason)

    async def _claim(self) -> float:
        """Begin a turn for each event that there is a place for.

        Returns:
            The seconds until the next is due, or an approval expires.
        """
        now, running = self.journal.now(), len(self.running)
        background = sum(not r.turn.lease.event.from_person for r in self.running.values())
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
        turn = AgentTurn(self.shop, lease, Steps(self.journal, lease, self.shop.make_room))
        task = asyncio.create_task(self._see_through(turn), name=f"turn {lease.id}")
        running = self.running[lease.id] = RunningTurn(turn, task)

        def ended(_: asyncio.Task[None]) -> None:
            if self._crowded or not turn.is_last:
                self.wake()
            if self.running.get(lease.id) is running:
                del self.running[lease.id]
            self.delivered()

        task.add_done_callback(ended)

    async def _see_through(self, turn: AgentTurn) -> None:
        """Run a turn and put its end on record, whatever it is and however long that takes."""
        log_file.current_event.set(turn.lease.id)
        work: Callable[[], Awaitable[Any]] = partial(self._run, turn)
        tries = 0
        while True:
            outcome = await attempt_async(work)
            error = outcome.error
            if error is None and outcome.value is None:
                return
            if error is None:
                work = outcome.get()
            elif isinstance(error, LeaseLost):
                work = partial(self._tell_end, turn)
            elif isinstance(error, asyncio.CancelledError):
                raise error
            else:
                tries += 1
                if not isinstance(error, StorageError):
                    log.critical("turn %s broke the kernel", turn.lease.id, exc_info=error)
                    work = partial(self._bury, turn, f"a fault in Argent itself, {error!r}")
                elif isinstance(error, DiskFull):
                    self.shop.make_room()
                log.error("the end of turn %s is not on record yet: %s", turn.lease.id, error)
                await asyncio.sleep(backoff(tries, longest=_LONGEST_SLEEP) if tries > 1 else 0)

    async def _run(self, turn: AgentTurn) -> Callable[[], Awaitable[None]] | None:
        """Run a turn; return what puts its end on record, unless it is there already."""
        lease = turn.lease
        try:
            if lease.attempts > self.settings.max_attempts:
                return lambda: self._bury(turn, f"it was tried {self.settings.max_attempts} times")
            self.shop.publish(
                TurnStarted(turn=lease.id, conversation=lease.event.conversation, event=lease.event)
            )
            text = await self._within_deadline(turn)
        except TimeoutError:
            seconds = self.settings.turn_seconds
            return lambda: self._bury(turn, f"it took longer than {seconds:g} s")
        except asyncio.CancelledError:
            _uncancel()
            return lambda: self._interrupted(turn)
        except ApprovalNeeded:
            return lambda: self._wait(turn)
        except Rejected as error:
            reason = self.shop.clean(str(error))
            return lambda: self._end(turn, "cancelled", reason, answer="")
        except (ContextTooLong, ModelRejected) as error:
            reason = str(error)
            return lambda: self._bury(turn, reason)
        except LeaseLost:
            raise
        except ArgentError as error:
            failure = error
            return lambda: self._retry(turn, failure)
        self._tell(turn, "done", text=text)
        return None

    async def _within_deadline(self, turn: AgentTurn) -> str:
        running = self.running[turn.lease.id]
        try:
            async with asyncio.timeout(self.settings.turn_seconds) as running.deadline:
                return await turn.run()
        finally:
            running.deadline = None

    async def _retry(self, turn: AgentTurn, error: ArgentError) -> None:
        lease, attempts, reason = turn.lease, turn.steps.attempts, self.shop.clean(str(error))
        wish, now = _wish(error), self.journal.clock.monotonic()
        seconds = backoff(attempts) if wish is None else wish
        failing_since = now if attempts <= 1 else self._failing.get(lease.id, now)
        self._failing[lease.id] = failing_since
        # Background work can wait for hours; a person should know.
        until = failing_since + self.settings.turn_seconds
        late = lease.event.from_person and now + seconds > until
        if attempts >= self.settings.max_attempts or late:
            await self._bury(turn, reason)
            return
        await turn_store.note(self.journal, lease.id, state="failed", reason=reason)
        await self.journal.postpone(lease, seconds=seconds, reason=reason)
        log.warning("turn %s is tried again in %.0f s: %s", lease.id, seconds, reason)
        self._tell(turn, "failed", reason=f"{reason} (next try in {seconds:.0f} s)")

    async def _wait(self, turn: AgentTurn) -> None:
        reason = "a person's word is needed"
        await turn_store.note(self.journal, turn.lease.id, state="waiting", reason=reason)
        self._tell(turn, "waiting", reason=reason)

    async def _interrupted(self, turn: AgentTurn) -> None:
        """End a turn that was stopped, or put it back if it is the kernel that stops."""
        running = self.running.get(turn.lease.id)
        if running is None or not running.stopped:
            await self.journal.postpone(turn.lease, counted=False)
            return
        await self._end(turn, "cancelled", running.stopped, answer=turn.text)

    async def _bury(self, turn: AgentTurn, reason: str) -> None:
        """Put an event aside as dead, and say so to whoever waits for the answer."""
        lease, reason = turn.lease, self.shop.clean(reason)
        stranger = lease.event.trust is Trust.OUTSIDE
        text = f"{_APOLOGY}." if stranger else f"{_APOLOGY}: {reason}"
        ending = Ending(
            state="dead", heard=turn.heard, answer=text, reason=reason, reply=reply_to(lease, text)
        )
        await turn_store.finish(self.journal, lease, ending=ending)
        log.error("event %s is dead: %s", lease.id, reason)
        self._tell(turn, "dead", reason=reason)

    async def _end(self, turn: AgentTurn, state: str, reason: str, *, answer: str) -> None:
        ending = Ending(state=state, heard=turn.heard, answer=answer, reason=reason)
        await turn_store.finish(self.journal, turn.lease, ending=ending)
        self._tell(turn, state, reason=reason, text=answer)

    async def _tell_end(self, turn: AgentTurn) -> None:
        """Tell the end of a turn that was broken off while that was being stored."""
        ended = await turn_store.ending_of(self.journal, turn.lease.id)
        if ended is not None:
            self._tell(turn, ended.state, reason=ended.reason, text=ended.answer)

    def _tell(self, turn: AgentTurn, state: str, *, reason: str = "", text: str = "") -> None:
        event = turn.lease.event
        if state != "failed":
            self._failing.pop(turn.lease.id, None)
        self.shop.publish(
            TurnFinished(
                turn=turn.lease.id,
                conversation=event.conversation,
                to=event.reply_to,
                state=state,
                text=text,
                reason=reason,
            )
        )

    async def _stop_waiting(self, conversation: str | None, reason: str) -> int:
        stopped = await turn_store.cancel_waiting(self.journal, conversation, reason=reason)
        for turn, where, to in stopped:
            self.shop.publish(
                TurnFinished(turn=turn, conversation=where, to=to, state="cancelled", reason=reason)
            )
        self.wake()
        return len(stopped)

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


def _wish(error: ArgentError) -> float | None:
    """Return the seconds that a provider wants to be left alone, if it says so in earnest."""
    asked = error.retry_after if isinstance(error, ModelUnavailable) else None
    if not isinstance(asked, (int, float)) or not 0 <= asked < math.inf:
        return None
    return min(asked, MAX_BACKOFF_SECONDS)


def _uncancel() -> None:
    """Let the task go on after its cancellation, to put its end on record."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
