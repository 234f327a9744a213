"""Output handlers at work: replies leave the outbox, in order for each address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from attrs import define, field, frozen

from argent_core.backoff import backoff
from argent_core.guard import Guard, attempt
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.outbound.outbox import (
    EXPIRED,
    INTERRUPTED,
    Outbox,
    OutboxRow,
    clean,
)
from argent_core.running import to_its_end
from argent_hookspecs import (
    Address,
    ArgentError,
    Channel,
    DeliveryDelayed,
    DeliveryRefused,
    DiskFull,
    OutputHandler,
    Receipt,
    Reply,
    ReplyChanged,
    StorageError,
)

T = TypeVar("T")

log = logging.getLogger("argent.outbound")

_AT_ONCE = 16
"""Replies of one channel that are sent side by side."""
_LONGEST_WAIT = 60.0
_GRACE = 2.0


@frozen
class _Sending:
    """A delivery under way, and whose channel it is."""

    plugin: str
    task: asyncio.Task[bool]


@define(eq=False, repr=False)
class OutputHandlers:
    """Delivers what the outbox holds.

    Args:
        publish: Tells observers.
        make_room: Called when the disk is too full for what became of a reply.
    """

    host: PluginHost
    guard: Guard
    outbox: Outbox
    publish: Callable[[ReplyChanged], None]
    make_room: Callable[[], None]
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _sending: dict[Address, _Sending] = field(factory=dict)
    _heard: set[Address] = field(factory=set)
    _stopping: set[str] = field(factory=set)
    _recovered: dict[str, str] = field(factory=dict)
    _postponed: bool = True
    _skipped: bool = False

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Begin deliveries until cancelled; ``end`` ends those that are under way then."""
        while True:
            self._wake.clear()
            while self._heard:
                await self.outbox.hurry(self._heard.pop())
            handlers = self._handlers()
            await self._recover(handlers)
            # What is on record as being sent is sent.
            seconds = await to_its_end(self._begin_due(handlers))
            self._postponed = seconds is not None
            await self._sleep(_LONGEST_WAIT if seconds is None else seconds)

    def hear_from(self, address: Address) -> None:
        """Try an address again now, if anything was postponed: somebody is there."""
        if self._postponed:
            self._heard.add(address)
            self.wake()

    async def _recover(self, handlers: Mapping[str, Registered]) -> None:
        """Settle what was being sent when a channel was last up, before anything else is sent."""
        back = {name: h for name, h in handlers.items() if name not in self._recovered}
        idempotent = {name: handler.record.idempotent for name, handler in back.items()}
        if back:
            for reply, state in await self.outbox.recover(idempotent):
                self._tell(reply, state, INTERRUPTED)
        self._recovered.update({name: handler.plugin for name, handler in back.items()})

    async def _begin_due(self, handlers: Mapping[str, Registered]) -> float | None:
        """Begin what is due: one reply for each address, some for each channel.

        Returns:
            The seconds until the next one is due.
        """
        busy = list(self._sending)
        under_way = Counter(address.channel for address in busy)
        room = {
            channel: _AT_ONCE - under_way[channel]
            for channel, handler in handlers.items()
            if handler.plugin not in self._stopping
        }
        due = await self.outbox.begin_due(room, busy=busy)
        for reply in due.expired:
            self._tell(reply, "expired", EXPIRED)
        for row in due.begun:
            self._begin(row, handlers[row.reply.to.channel])
        self._skipped = due.skipped
        if due.skipped and any(address not in self._sending for address in busy):
            self.wake()  # there is room by now
        return due.next_due

    async def expire(self) -> None:
        """Give up what waits for too long, also where no such channel is there any more."""
        for reply in await self.outbox.expire():
            self._tell(reply, "expired", EXPIRED)

    async def end(self) -> None:
        """Give the deliveries under way a moment to end, then break them off."""
        await _finish([sending.task for sending in self._sending.values()])

    def longest(self, to: Address | None) -> int | None:
        """Return how many characters one message to an address may have; None for any number."""
        kinds = (OutputHandler, Channel)
        known = [found.record for kind in kinds for found in self.host.registered(kind)]
        known += [record for kind in kinds for _, record in self.host.missing(kind)]
        here = (one.longest for one in known if to is not None and one.id == to.channel)
        return next(here, None)

    def plugin_started(self, plugin: str, _: Sequence[Registered]) -> None:
        """Send what waits for the plugin's channels."""
        self._stopping.discard(plugin)
        self.wake()

    async def plugin_stopping(self, plugin: str) -> None:
        """Begin nothing more in the plugin's channels, and end what is under way."""
        self._stopping.add(plugin)
        await _finish([s.task for s in self._sending.values() if s.plugin == plugin])
        self._recovered = {k: owner for k, owner in self._recovered.items() if owner != plugin}

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _LONGEST_WAIT)):
                await self._wake.wait()

    def _handlers(self) -> dict[str, Registered]:
        found = [*self.host.registered(OutputHandler), *self.host.registered(Channel)]
        return {one.record.id: one for one in found if one.plugin not in self._stopping}

    def _begin(self, row: OutboxRow, handler: Registered) -> None:
        address = row.reply.to
        task = asyncio.create_task(self._deliver(row, handler), name=f"reply {row.reply.key}")
        self._sending[address] = _Sending(handler.plugin, task)

        def ended(done: asyncio.Task[bool]) -> None:
            self._sending.pop(address, None)
            if self._skipped or done.cancelled() or done.exception() or done.result():
                self.wake()

        task.add_done_callback(ended)

    async def _deliver(self, row: OutboxRow, handler: Registered) -> bool:
        """Deliver a reply; return whether there may be something else to send now."""
        if handler.plugin in self._stopping:
            await self._settle(row, "pending", f"{handler.plugin} stops")
            return True
        idempotent = handler.record.idempotent
        wait = backoff(row.attempts + 1, longest=_LONGEST_WAIT)
        try:
            receipt = await self.guard.ask(
                handler.plugin,
                partial(handler.live.deliver, row.reply),
                what=f"delivery to {row.reply.to.channel}",
                timeout=handler.record.timeout,
                expects=Receipt,
            )
        except DeliveryDelayed as error:
            asked = error.retry_after
            if isinstance(asked, (int, float)) and asked > 0:
                wait = asked
            await self._settle(row, "pending", _words(error), after=wait)
        except DeliveryRefused as error:
            await self._settle(row, "dead", _words(error))
        except ArgentError as error:
            state = "pending" if idempotent else "unknown"
            await self._settle(row, state, _words(error), after=wait)
        else:
            more = await self._record(row, partial(self.outbox.sent, row, receipt))
            self._tell(row.reply, "sent", "")
            return more
        return True

    async def _settle(self, row: OutboxRow, state: str, reason: str, *, after: float = 0.0) -> None:
        self._postponed |= after > 0
        settle = partial(self.outbox.settle, row, state, reason=reason, after=after)
        await self._record(row, settle)
        self._tell(row.reply, state, reason)

    async def _record(self, row: OutboxRow, write: Callable[[], Awaitable[T]]) -> T:
        """Put an outcome on record, however long that takes; nobody else knows it."""
        tries = 0
        while True:
            try:
                return await write()
            except StorageError as error:
                tries += 1
                log.error("the end of reply %s is not on record yet: %s", row.reply.key, error)
                if isinstance(error, DiskFull):
                    self.make_room()
                await asyncio.sleep(backoff(tries, longest=_LONGEST_WAIT))

    def _tell(self, reply: Reply, state: str, reason: str) -> None:
        if state in ("unknown", "dead", "expired"):
            log.warning("reply %s is %s: %s", reply.key, state, reason)
        self.publish(
            ReplyChanged(
                turn=reply.turn,
                conversation=reply.conversation,
                key=reply.key,
                state=state,
                reason=reason,
            )
        )


def _words(error: ArgentError) -> str:
    """Return what an error says, or its name if it cannot say it."""
    return clean(attempt(str, error).value or type(error).__name__)


async def _finish(tasks: Collection[asyncio.Task[bool]]) -> None:
    """Wait a moment for tasks to end, then cancel those that have not."""
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=_GRACE)
        for task in left:
            task.cancel()
        await asyncio.wait(tasks)
