"""A turn under way: run to its end, and that end put on record, whatever it is."""

from __future__ import annotations

import asyncio
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
from argent_core.inbound.journal import MAX_BACKOFF_SECONDS, Journal, LeaseLost
from argent_core.loop import turn_store
from argent_core.loop.agent_turn import AgentTurn, reply_to
from argent_core.loop.approvals import ApprovalNeeded
from argent_core.loop.chain import LeftAlone
from argent_core.loop.filters import Rejected
from argent_core.loop.turn_store import Ending
from argent_core.loop.workshop import Workshop
from argent_hookspecs import (
    ArgentError,
    ContextTooLong,
    DiskFull,
    Event,
    ModelRejected,
    ModelUnavailable,
    StorageError,
    Trust,
    TurnFinished,
    TurnStarted,
)

log = logging.getLogger("argent.loop")

_LONGEST_SLEEP = 30.0
_APOLOGY = "Sorry, I could not answer this"


@define(eq=False, repr=False)
class RunningTurn:
    """A turn under way, and how to end it.

    Args:
        failing: Since when the turn of each event fails; of all turns, as it outlives this one.
        stopped: Why it is to end now, once somebody wants that.
    """

    shop: Workshop
    settings: LoopSettings
    turn: AgentTurn
    failing: dict[str, float]
    task: asyncio.Task[None] = field(init=False)
    stopped: str = ""
    _began: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self._journal.clock.monotonic()
        self.task = asyncio.create_task(self._see_through(), name=f"turn {self.turn.lease.id}")

    @property
    def event(self) -> Event:
        """What it deals with."""
        return self.turn.lease.event

    def stop(self, reason: str) -> None:
        """End it where it is."""
        self.stopped = reason
        self.task.cancel()

    async def _see_through(self) -> None:
        """Run a turn and put its end on record, whatever it is and however long that takes."""
        id = self.turn.lease.id
        log_file.current_event.set(id)
        work: Callable[[], Awaitable[Any]] = self._run
        tries = 0
        while True:
            outcome = await attempt_async(work)
            error = outcome.error
            if error is None and outcome.value is None:
                return
            if error is None:
                work = outcome.get()
            elif isinstance(error, LeaseLost):
                work = self._tell_end
            elif isinstance(error, asyncio.CancelledError):
                raise error
            else:
                tries += 1
                if not isinstance(error, StorageError):
                    log.critical("turn %s broke the kernel", id, exc_info=error)
                    work = partial(self._bury, f"a fault in Argent itself, {error!r}")
                elif isinstance(error, DiskFull):
                    self.shop.make_room()
                log.error("the end of turn %s is not on record yet: %s", id, error)
                await asyncio.sleep(backoff(tries, longest=_LONGEST_SLEEP) if tries > 1 else 0)

    async def _run(self) -> Callable[[], Awaitable[None]] | None:
        """Run a turn; return what puts its end on record, unless it is there already."""
        lease = self.turn.lease
        try:
            if lease.attempts > self.settings.max_attempts:
                return lambda: self._bury(f"it was tried {self.settings.max_attempts} times")
            self.shop.publish(
                TurnStarted(turn=lease.id, conversation=lease.event.conversation, event=lease.event)
            )
            async with self.turn.deadline.hold():
                text = await self.turn.run()
        except TimeoutError:
            seconds = self.settings.turn_seconds
            return lambda: self._bury(f"it took longer than {seconds:g} s")
        except asyncio.CancelledError:
            _uncancel()
            return self._interrupted
        except ApprovalNeeded:
            return self._wait
        except Rejected as error:
            reason = self.shop.clean(str(error))
            return lambda: self._end("cancelled", reason, answer="")
        except (ContextTooLong, ModelRejected) as error:
            reason = str(error)
            return lambda: self._bury(reason)
        except LeaseLost:
            raise
        except ArgentError as error:
            failure = error
            return lambda: self._retry(failure)
        self._tell("done", text=text, reason=self.turn.refusal)
        return None

    async def _retry(self, error: ArgentError) -> None:
        lease, attempts = self.turn.lease, self.turn.steps.attempts
        reason, wish = self.shop.clean(str(error)), _wish(error)
        asked = not isinstance(error, LeftAlone)
        seconds = max(wish or 0.0, backoff(attempts)) if asked or wish is None else wish
        since = self.failing.setdefault(lease.id, self._began)
        # Background work can wait for hours; a person should know.
        waited = self._journal.clock.monotonic() + seconds - since
        late = lease.event.from_person and waited > self.settings.turn_seconds
        if (asked and attempts >= self.settings.max_attempts) or late:
            await self._bury(reason)
            return
        await turn_store.note(self._journal, lease.id, state="failed", reason=reason)
        await self._journal.postpone(lease, seconds=seconds, reason=reason, counted=asked)
        log.warning("turn %s is tried again in %.0f s: %s", lease.id, seconds, reason)
        self._tell("failed", reason=f"{reason} (next try in {seconds:.0f} s)")

    async def _wait(self) -> None:
        reason = "a person's word is needed"
        await turn_store.note(self._journal, self.turn.lease.id, state="waiting", reason=reason)
        self._tell("waiting", reason=reason)

    async def _interrupted(self) -> None:
        """End a turn that was stopped, or put it back if it is the kernel that stops."""
        if self.stopped:
            await self._end("cancelled", self.stopped, answer=self.turn.text)
        else:
            await self._journal.postpone(self.turn.lease, counted=False)

    async def _bury(self, reason: str) -> None:
        """Put an event aside as dead, and say so to whoever waits for the answer."""
        lease, reason = self.turn.lease, self.shop.clean(reason)
        stranger = lease.event.trust is Trust.OUTSIDE
        text = f"{_APOLOGY}." if stranger else f"{_APOLOGY}: {reason}"
        ending = Ending(
            state="dead",
            heard=self.turn.heard,
            answer=text,
            reason=reason,
            reply=reply_to(lease, text),
            longest=self.shop.longest(lease.event.reply_to),
        )
        await turn_store.finish(self._journal, lease, ending=ending)
        log.error("event %s is dead: %s", lease.id, reason)
        self._tell("dead", reason=reason)

    async def _end(self, state: str, reason: str, *, answer: str) -> None:
        ending = Ending(state=state, heard=self.turn.heard, answer=answer, reason=reason)
        await turn_store.finish(self._journal, self.turn.lease, ending=ending)
        self._tell(state, reason=reason, text=answer)

    async def _tell_end(self) -> None:
        """Tell the end of a turn that was broken off while that was being stored."""
        ended = await turn_store.ending_of(self._journal, self.turn.lease.id)
        if ended is not None:
            self._tell(ended.state, reason=ended.reason, text=ended.answer)

    def _tell(self, state: str, *, reason: str = "", text: str = "") -> None:
        if state != "failed":
            self.failing.pop(self.turn.lease.id, None)
        self.shop.publish(
            TurnFinished(
                turn=self.turn.lease.id,
                conversation=self.event.conversation,
                to=self.event.reply_to,
                state=state,
                text=text,
                reason=reason,
            )
        )

    @property
    def _journal(self) -> Journal:
        return self.shop.journal


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
