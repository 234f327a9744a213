"""The contracts of what comes in and what goes out: event sources, channels, output handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar

import pytest
from attrs import define, field

from argent_core.guard import attempt_async
from argent_hookspecs import (
    Address,
    Channel,
    ChannelConnection,
    Delivery,
    DeliveryError,
    Event,
    EventSource,
    Listener,
    OutputHandler,
    PluginError,
    Receipt,
    Reply,
)
from argent_testing.contracts.base import OpenedContract
from argent_testing.specimen import Specimen
from argent_testing.waiting import PATIENCE, Changes


@define(eq=False)
class RecordingFeed:
    """The contract's ``Feed``, which keeps what is emitted.

    Args:
        cursor: The cursor last stored.
        events: What was emitted, in order.
    """

    cursor: str | None = None
    events: list[Event] = field(factory=list)
    _changes: Changes = field(factory=Changes)
    _ended: str = ""

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        """Keep an event, unless its key was seen before."""
        if not isinstance(event, Event):
            self.end(f"emitted {event!r:.100}, which is no Event")
            raise PluginError("contract", self._ended)
        known = event.dedupe_key is not None and any(
            event.dedupe_key == kept.dedupe_key for kept in self.events
        )
        self.cursor = cursor or self.cursor
        if known:
            return None
        self.events.append(event)
        self._changes.notify()
        return f"event-{len(self.events)}"

    def end(self, reason: str) -> None:
        """Note that nothing more will come, and why."""
        self._ended = self._ended or reason
        self._changes.notify()

    async def next_event(self, *, after: int = 0, timeout: float = PATIENCE) -> Event:
        """Wait for the event after so many others. Raises ``AssertionError`` if none comes."""
        await self._changes.until(
            lambda: len(self.events) > after or bool(self._ended), timeout=timeout, what="an event"
        )
        assert len(self.events) > after, f"an event: {self._ended}"
        return self.events[after]


class _Listening(OpenedContract):
    async def happen(self, live: Any, text: str) -> None:
        """Make the other side say something: override it, to try the way in.

        Args:
            live: What ``open`` yielded.
            text: What is said.
        """
        pytest.skip("override happen(live, text) to try out the way in")

    async def test_listens_until_cancelled(self, specimen: Specimen) -> None:
        """It does not end by itself, ends when it is cancelled, and listens again."""
        for record in self.records(specimen):
            async with record.open() as live:
                for _ in range(2):
                    task = asyncio.create_task(live.listen(RecordingFeed()))
                    await asyncio.wait({task}, timeout=0.05)
                    assert not task.done(), f"{record.id} stopped listening: {_end_of(task)}"
                    await self.assert_stops(task, what=f"{record.id} listening")

    async def test_what_happens_becomes_an_event(self, specimen: Specimen) -> None:
        """What is said arrives, belongs to a conversation, and bears no foolish time."""
        for record in self.records(specimen):
            async with self._heard(record) as (live, feed):
                await self.soon(self.happen(live, "hello"), what="happen")
                event = await feed.next_event(timeout=self.patience)
                self.check_event(record, event)

    async def test_what_happens_comes_in_order(self, specimen: Specimen) -> None:
        """Several events come in the order in which they happened."""
        words = ["one", "two", "three"]
        for record in self.records(specimen):
            async with self._heard(record) as (live, feed):
                for word in words:
                    await self.soon(self.happen(live, word), what="happen")
                await feed.next_event(after=len(words) - 1, timeout=self.patience)
                heard = [event.text for event in feed.events]
                places = [next(i for i, t in enumerate(heard) if w in t) for w in words]
                assert places == sorted(places), f"out of order: {heard}"

    def check_event(self, record: Any, event: Event) -> None:
        """Check what came in."""
        assert event.conversation.strip(), "the event belongs to no conversation"
        assert event.kind.strip(), "the event is of no kind"
        if event.occurred_at is not None:
            assert event.occurred_at.tzinfo is not None, "occurred_at has no time zone"

    @asynccontextmanager
    async def _heard(self, record: Any) -> AsyncIterator[tuple[Any, RecordingFeed]]:
        feed = RecordingFeed()
        async with record.open() as live:
            task = asyncio.create_task(live.listen(feed))
            task.add_done_callback(lambda ended: feed.end(_end_of(ended)))
            try:
                yield live, feed
            finally:
                await self.assert_stops(task, what=f"{record.id} listening")


class _Delivering(OpenedContract):
    """What delivers.

    Attributes:
        chat: A place of the channel to which a reply can be sent.
        texts: What is sent.
        reachable: Whether somebody is there who can be sent something; otherwise the delivery
            must be turned down with a ``DeliveryError``.
    """

    chat: ClassVar[str] = "contract"
    texts: ClassVar[Sequence[str]] = ("hello", "**bold** `code`\n\n- ünïcödé 🦉", "x" * 5000)
    reachable: ClassVar[bool] = True

    async def arrived(self, live: Any) -> Sequence[str]:
        """Return the texts that the other side has got: override it, to check them.

        Args:
            live: What ``open`` yielded.
        """
        pytest.skip("override arrived(live) to check what arrives")

    async def test_a_reply_is_delivered_or_turned_down(self, specimen: Specimen) -> None:
        """There is a receipt, or a ``DeliveryError``; never anything else."""
        for record in self.records(specimen):
            async with record.open() as live:
                for n, text in enumerate(self.texts):
                    await self._deliver(record, live, self.reply(record, text, key=f"k{n}"))

    async def test_a_second_try_with_the_same_key_shows_nothing_new(
        self, specimen: Specimen
    ) -> None:
        """A channel that calls itself idempotent drops a second copy."""
        for record in self.records(specimen):
            if not record.idempotent or not self.reachable:
                continue
            async with record.open() as live:
                for _ in range(2):
                    await self._deliver(record, live, self.reply(record, "only once", key="once"))
                shown = [text for text in await self.arrived(live) if "only once" in text]
                assert len(shown) == 1, f"{record.id} showed a reply {len(shown)} times"

    async def test_a_delivery_can_be_cancelled(self, specimen: Specimen) -> None:
        """A delivery that is cancelled ends."""
        for record in self.records(specimen):
            async with record.open() as live:
                reply = self.reply(record, "cancelled", key="cancelled")
                task = asyncio.create_task(attempt_async(partial(live.deliver, reply)))
                await self.assert_stops(task, what=f"a delivery of {record.id}")

    def reply(self, record: Any, text: str, *, key: str) -> Reply:
        """Return a reply to send."""
        return Reply(
            key=key,
            to=Address(record.id, self.chat),
            text=text,
            turn="contract",
            conversation="contract",
        )

    async def _deliver(self, record: Any, live: Delivery, reply: Reply) -> None:
        outcome = await attempt_async(
            lambda: self.soon(live.deliver(reply), what="a delivery", seconds=record.timeout)
        )
        if isinstance(outcome.error, DeliveryError):
            assert not self.reachable, f"{record.id} turned a reply down: {outcome.error}"
            return
        receipt = outcome.get()
        assert isinstance(receipt, Receipt), f"{record.id} returned {receipt!r:.100}, no Receipt"
        assert receipt.id.strip(), f"{record.id}: the receipt has no id"


class EventSourceContract(_Listening):
    """Tries out a plugin's event sources; override ``happen`` to try the way in."""

    kind = EventSource
    yields = Listener


class OutputHandlerContract(_Delivering):
    """Tries out a plugin's output handlers; override ``arrived`` to check what arrives."""

    kind = OutputHandler
    yields = Delivery


class ChannelContract(_Listening, _Delivering):
    """Tries out a plugin's channels; override ``happen`` and ``arrived`` to try both ways."""

    kind = Channel
    yields = ChannelConnection

    def check_event(self, record: Any, event: Event) -> None:
        """Check what came in; an answer must find its way back."""
        super().check_event(record, event)
        assert event.reply_to is not None, f"{record.id}: nobody can answer, without a reply_to"
        assert event.reply_to.channel == record.id, f"{record.id}: the answer goes elsewhere"
        assert event.sender.strip(), f"{record.id}: the sender is not named"


def _end_of(task: asyncio.Task[Any]) -> str:
    if task.cancelled():
        return "it was cancelled"
    error = task.exception()
    return f"it raised {error!r}" if error else "it ended by itself"
