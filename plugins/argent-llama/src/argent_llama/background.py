"""Work beside the event loop that several wait for, and that stops when nobody does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedTask(Generic[T]):
    """A task whose result several callers wait for.

    It is cancelled when the last of them gives up, and that one waits until it has ended.
    """

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.create_task(work)
        self._waiting = 0

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not, or is about to be cancelled."""
        return self._task.done() or self._task.cancelling() > 0

    async def wait(self) -> T:
        """Wait for the result; raises what the task raises."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._task.done():
                self._task.cancel()
                await _ended(self._task)

    async def cancel(self) -> None:
        """Stop it, whoever waits, and wait until it has ended."""
        self._task.cancel()
        await _ended(self._task)


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """Run a function in a thread; when cancelled, ask it to stop and wait until it has.

    Args:
        work: Takes an event, and returns soon after the event is set.
    """
    stop = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await _ended(running)
        raise


async def _ended(future: asyncio.Future[Any]) -> None:
    """Wait for an end whose outcome nobody wants any more."""
    await asyncio.wait([future])
    if not future.cancelled():
        future.exception()
