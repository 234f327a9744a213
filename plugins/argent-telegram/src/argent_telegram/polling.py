"""Long polling: https://core.telegram.org/bots/api#getupdates."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from argent_telegram.faults import Flooded, NotReached, Unsure
from argent_telegram.inbox import Inbox
from argent_telegram.wire import Api

_PATIENCE = 50
"""Seconds that Telegram may wait for something to tell."""
_LOOK_AGAIN = 0.25
_LONGEST_WAIT = 30.0

log = logging.getLogger("argent.plugin.telegram")


async def poll(api: Api, inbox: Inbox, *, trouble: Callable[[str], None]) -> None:
    """Ask for what comes, until cancelled.

    Args:
        trouble: Told why Telegram cannot be reached; nothing once it can.

    Raises:
        TelegramFault: The token is wrong, or something else takes what comes.
    """
    failures = 0
    while True:
        try:
            await _ask(api, inbox, wait=_PATIENCE if not failures else 0)
        except (Flooded, NotReached, Unsure) as error:
            failures += 1
            if failures == 2:
                log.warning("%s", error)
            trouble(str(error) if failures > 1 else "")
            wait = min(_LONGEST_WAIT, 0.5 * 2 ** min(failures, 10))
            await asyncio.sleep(max(wait, error.seconds if isinstance(error, Flooded) else 0))
        else:
            if failures > 1:
                log.info("Telegram is reached again")
            failures = 0
            trouble("")


async def _ask(api: Api, inbox: Inbox, *, wait: int) -> None:
    """Ask once. While something is not stored yet, Telegram is not told that it was taken."""
    offset = inbox.offset
    asking = asyncio.create_task(api.updates(offset=offset, seconds=0 if inbox.is_busy else wait))
    try:
        ends: set[asyncio.Future[Any]] = {asking, inbox.failed}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if inbox.failed.done():
            inbox.failed.result()
        updates = asking.result()
    finally:
        if not asking.done():
            asking.cancel()
            await asyncio.wait({asking})
    for update in updates:
        inbox.take(update, first=offset is None)
    if inbox.is_busy:
        await inbox.settle(_LOOK_AGAIN)
