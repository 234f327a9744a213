"""Running the parts of the kernel: for as long as it runs, and up to a sound end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from argent_core.backoff import backoff
from argent_core.guard import attempt_async
from argent_hookspecs import ArgentError

T = TypeVar("T")

log = logging.getLogger("argent.kernel")

_LONGEST_PAUSE = 30.0
_SOUND_SECONDS = 60.0


async def keep_running(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    cope: Callable[[ArgentError], None],
    broke: Callable[[BaseException | None], None],
) -> None:
    """Run a part until cancelled.

    Args:
        cope: Told each error on purpose; after a pause the part begins again. The pauses grow
            until it has run for a minute.
        broke: Told any other error, or None if the part just ended; it does not begin again.
    """
    failures, loop = 0, asyncio.get_running_loop()
    while True:
        began = loop.time()
        error = (await attempt_async(work)).error
        if isinstance(error, asyncio.CancelledError):
            raise error
        if not isinstance(error, ArgentError):
            log.critical("the kernel's %s broke", name, exc_info=error)
            broke(error)
            return
        failures = 1 if loop.time() - began > _SOUND_SECONDS else failures + 1
        log.error("the kernel's %s pauses: %s", name, error)
        cope(error)
        await asyncio.sleep(backoff(failures, longest=_LONGEST_PAUSE))


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await what is never broken off in the middle: being cancelled waits for it."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
