"""What came and is not stored yet: each chat in its own order, an album as one.

The cursor is the number of an update before which everything is stored. It moves in the same
transaction as an event, and never past what is still being fetched or collected: after a crash,
Telegram tells that again. Each bot is counted by itself, so the cursor says whose it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from attrs import define, field

from argent_hookspecs import Clock, Event, Feed
from argent_telegram.wire import Unreadable

if TYPE_CHECKING:
    from types import TracebackType

    from telegram import Update

QUIET_SECONDS = 1.0
"""After so long without a further picture an album is whole."""
_FRESH_SECONDS = 6 * 86400.0
"""Telegram may begin to count anew after a week: https://core.telegram.org/bots/api#update."""
_MOST_DONE = 2000

Read = Callable[[Sequence["Update"]], Awaitable[Event | None]]
Press = Callable[["Update"], Awaitable[None]]


@define(eq=False, repr=False)
class _Batch:
    """An update, or those of an album, which may be growing.

    Args:
        passed: Set once what comes behind it in the chat may go into the feed.
    """

    album: str | None
    updates: list[Update]
    closed: bool = False
    passed: asyncio.Event = field(factory=asyncio.Event)
    _changed: asyncio.Event = field(factory=asyncio.Event)

    def add(self, update: Update) -> None:
        """Take in a further part of the album."""
        self.updates.append(update)
        self._changed.set()

    def close(self) -> None:
        """Note that it is whole."""
        self.closed = True
        self._changed.set()

    async def whole(self) -> None:
        """Wait until no further part comes."""
        while self.album is not None and not self.closed:
            self._changed.clear()
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                self.closed = True


@define(eq=False, repr=False)
class Inbox:
    """Takes updates, and puts what they say into the feed.

    Args:
        bot: The bot's id.
        read: Makes an event of updates; None if they say nothing to the agent.
        press: Does what a button asks for.
        counting: Whether the feed's cursor is moved.
        stored: Told which updates of an album are stored, before they count as such.
        failed: Holds the error once an event could not be stored; all is over then.
    """

    feed: Feed
    clock: Clock
    bot: int
    read: Read
    press: Press
    counting: bool = True
    stored: Callable[[Sequence[Update]], Awaitable[None]] | None = None
    failed: asyncio.Future[None] = field(factory=lambda: asyncio.get_running_loop().create_future())
    _open: dict[int, asyncio.Future[None]] = field(factory=dict)
    _fed: set[int] = field(factory=set)
    _done: dict[int, None] = field(factory=dict)
    _lanes: dict[int, _Batch] = field(factory=dict)
    _albums: dict[int, _Batch] = field(factory=dict)
    _tasks: set[asyncio.Task[None]] = field(factory=set)
    _highest: int | None = None
    _last: float = 0.0

    async def __aenter__(self) -> Self:
        """Begin where the cursor is."""
        whose, _, place = (self.feed.cursor or "").partition(":")
        number, _, at = place.partition("@")
        if self.counting and whose == str(self.bot) and number.isdecimal():
            self._highest, self._last = int(number), float(at or 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Leave what is not stored to Telegram, which tells it again."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.failed.cancel()

    @property
    def is_busy(self) -> bool:
        """Whether something came that is not stored yet."""
        return bool(self._open)

    @property
    def offset(self) -> int | None:
        """The first update that is wanted; None for the first that Telegram has."""
        if self._open:
            return min(self._open)
        if self._highest is None or self._now() - self._last > _FRESH_SECONDS:
            return None
        return self._highest + 1

    async def settle(self, seconds: float) -> None:
        """Wait until all is stored, or for so long. Raises what went wrong."""
        stored = asyncio.gather(*self._open.values(), return_exceptions=True)
        ends: set[asyncio.Future[Any]] = {self.failed, stored}
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self.failed.done():
            self.failed.result()

    def take(self, update: Update | Unreadable, *, first: bool = False) -> asyncio.Future[None]:
        """Take an update; what is returned is done once it is stored.

        Args:
            first: Whether it is of those that came when the first that Telegram has was wanted.
        """
        id = update.update_id
        if first and id is not None and self._highest is not None and id < self._highest:
            self._highest = None  # Telegram counts anew, from a lower number
            self._done.clear()
        if id in self._open:
            return self._open[id]
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if id is None or id in self._done:
            settled.set_result(None)
            return settled
        self._open[id] = settled
        self._highest, self._last = max(id, self._highest or 0), self._now()
        if isinstance(update, Unreadable):
            self._close([update])
            return settled
        message = update.message or update.edited_message
        if message is not None:
            self._queue(message.chat.id, update)
        elif update.callback_query is not None:
            self._start(self._aside(update))
        else:
            self._close([update])
        return settled

    def _queue(self, chat: int, update: Update) -> None:
        """Put an update behind what came before in its chat, or into the album that it is of."""
        album = update.message.media_group_id if update.message else None
        growing = self._albums.get(chat)
        if growing is not None and not growing.closed:
            if growing.album == album:
                growing.add(update)
                return
            growing.close()
        batch = _Batch(album, [update])
        if album is not None:
            self._albums[chat] = batch
        storing = self._start(self._store(batch, after=self._lanes.get(chat)))
        self._lanes[chat] = batch
        storing.add_done_callback(lambda _: self._leave(chat, batch))

    def _leave(self, chat: int, batch: _Batch) -> None:
        if self._lanes.get(chat) is batch:
            del self._lanes[chat]
            self._albums.pop(chat, None)

    async def _store(self, batch: _Batch, *, after: _Batch | None) -> None:
        if after is not None:
            await after.passed.wait()
        await batch.whole()
        event = await self.read(batch.updates)
        if event is not None and self.counting:
            # The feed keeps the order, and moves no cursor past what it could not store.
            batch.passed.set()
            await self.feed.emit(event, cursor=self._cursor(batch.updates))
        elif event is not None:
            await self.feed.emit(event)
        if self.stored is not None and batch.album is not None:
            await self.stored(batch.updates)
        self._close(batch.updates)
        batch.passed.set()

    async def _aside(self, update: Update) -> None:
        await self.press(update)
        self._close([update])

    def _cursor(self, storing: Sequence[Update]) -> str:
        """Return what the cursor is once these are stored."""
        # What went into the feed before is stored before, or the cursor stays where it is.
        self._fed.update(update.update_id for update in storing)
        others = self._open.keys() - self._fed
        before = min(others) - 1 if others else self._highest or 0
        return f"{self.bot}:{before}@{self._now():.0f}"

    def _close(self, updates: Sequence[Update | Unreadable]) -> None:
        for id in (update.update_id for update in updates if update.update_id is not None):
            self._done[id] = None
            self._fed.discard(id)
            if settled := self._open.pop(id, None):
                settled.set_result(None)
        while len(self._done) > _MOST_DONE:
            del self._done[next(iter(self._done))]

    def _start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)

    def _now(self) -> float:
        return self.clock.now().timestamp()
