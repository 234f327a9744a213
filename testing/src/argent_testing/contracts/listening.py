"""What comes in: the contract of all that listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar

import pytest

from argent_core.guard import attempt, attempt_async
from argent_hookspecs import Event
from argent_testing.contracts.base import OpenedContract
from argent_testing.contracts.feeds import RecordingFeed
from argent_testing.specimen import Specimen

_MOMENT = 0.05
_LATER = 60.0


class ListeningContract(OpenedContract):
    """Tries out what listens.

    Attributes:
        says: What the other side says, to see whether all of it arrives.
    """

    says: ClassVar[str] = f"{'Grüße, 🦉! ' * 15}and this is the end"

    async def happen(self, live: Any, text: str) -> None:
        """Make the other side say something: override it, to try the way in.

        Where who speaks is told that it was not taken, raise an error.

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
                    await asyncio.wait({task}, timeout=_MOMENT)
                    assert not task.done(), f"{record.id} stopped listening: {_end_of(task)}"
                    await self.assert_stops(task, what=f"{record.id} listening")

    async def test_what_happens_becomes_an_event(self, specimen: Specimen) -> None:
        """What is said arrives, belongs to a conversation, and bears no foolish time."""
        for record in self.records(specimen):
            async with self._heard(record) as (live, feed):
                await self.soon(self.happen(live, "hello"), what="happen")
                event = await feed.next_event(timeout=self.patience)
                self.check_event(record, event)

    async def test_what_happens_arrives_whole_and_once(self, specimen: Specimen) -> None:
        """One thing that is said is one event, with every letter of it."""
        for record in self.records(specimen):
            async with self._heard(record) as (live, feed):
                await self.soon(self.happen(live, self.says), what="happen")
                event = await feed.next_event(timeout=self.patience)
                await asyncio.sleep(_MOMENT)
                assert self.says in event.text, (
                    f"{record.id}: not all that was said arrived, only {event.text!r:.300}"
                )
                count = len(feed.events)
                assert count == 1, f"{record.id}: what was said once became {count} events"

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

    async def test_what_is_refused_comes_again(self, specimen: Specimen) -> None:
        """An event that the kernel cannot take now comes later, or who spoke is told so."""
        for record in self.records(specimen):
            await self._comes_again(record, specimen, RecordingFeed(refusing=True))

    async def test_what_was_not_stored_comes_again(self, specimen: Specimen) -> None:
        """Stopped before ``emit`` returned, nothing was acknowledged: the event comes again."""
        for record in self.records(specimen):
            await self._comes_again(record, specimen, RecordingFeed(hanging=True))

    def check_event(self, record: Any, event: Event) -> None:
        """Check what came in."""
        id = record.id
        assert event.conversation.strip(), f"{id}: the event belongs to no conversation"
        assert event.kind.strip(), f"{id}: the event is of no kind"
        for name in ("occurred_at", "expires_at"):
            time = getattr(event, name)
            aware = time is None or time.tzinfo is not None
            assert aware, f"{id}: {name} has no time zone"
        outcome = attempt(partial(json.dumps, allow_nan=False), dict(event.data))
        assert outcome.error is None, f"{id}: data must be JSON values: {outcome.error}"

    async def _comes_again(self, record: Any, specimen: Specimen, feed: RecordingFeed) -> None:
        if type(self).happen is ListeningContract.happen:
            pytest.skip("override happen(live, text) to try out the way in")
        async with record.open() as live:
            first, taken = await self._turned_away(record, live, feed)
            if taken:
                again = await self._next_time(record, live, specimen, RecordingFeed(feed.cursor))
                assert again.dedupe_key == first.dedupe_key, (
                    f"{record.id}: the second time, the same event has another dedupe_key: "
                    f"{first.dedupe_key!r}, then {again.dedupe_key!r}"
                )

    async def _turned_away(self, record: Any, live: Any, feed: RecordingFeed) -> tuple[Event, bool]:
        """Say something that is not stored; return it, and whether who spoke thinks it was."""
        listening = asyncio.create_task(attempt_async(partial(live.listen, feed)))
        speaking = asyncio.create_task(attempt_async(partial(self.happen, live, "keep this")))
        try:
            event = await feed.next_turned_away(timeout=self.patience)
            await asyncio.wait({speaking}, timeout=_MOMENT)
        finally:
            taken = speaking.done() and speaking.result().error is None
            speaking.cancel()
            await self.assert_stops(listening, what=f"{record.id} listening")
        await asyncio.wait({speaking})
        return event, taken

    async def _next_time(
        self, record: Any, live: Any, specimen: Specimen, feed: RecordingFeed
    ) -> Event:
        """Listen once more, as the kernel does, and return what comes."""
        listening = asyncio.create_task(attempt_async(partial(live.listen, feed)))
        await asyncio.wait({listening}, timeout=_MOMENT)
        await specimen.clock.advance(_LATER)
        outcome = await attempt_async(lambda: feed.next_event(timeout=self.patience))
        await self.assert_stops(listening, what=f"{record.id} listening")
        assert outcome.error is None, (
            f"{record.id} lost an event that was not stored; "
            "acknowledge it, and move on, only when emit has returned"
        )
        return outcome.get()

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


def _end_of(task: asyncio.Task[Any]) -> str:
    if task.cancelled():
        return "it was cancelled"
    error = task.exception()
    return f"it raised {error!r}" if error else "it ended by itself"
