"""Updates: what a bot has not confirmed yet, handed out again and again, or posted to a webhook.

See https://core.telegram.org/bots/api#getting-updates.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
from attrs import define, field, frozen

from bot_api.refusal import OTHER_POLL, WEBHOOK_ACTIVE, Refusal

Update = dict[str, Any]

_UNASKED = ("chat_member", "message_reaction", "message_reaction_count")
_MOST = 100
_PAUSE = 0.05


@frozen(kw_only=True)
class Webhook:
    """Where updates are posted to."""

    url: str
    secret: str = ""
    max_connections: int = 40


@define(eq=False)
class _Poll:
    refusal: Refusal | None = None


@define(eq=False)
class Updates:
    """The updates of one bot.

    Args:
        changed: Told when something was confirmed, or could not be posted.
        confirmed: The newest update that the bot has confirmed.
        waits: Seconds that each confirmed update has waited for that.
        posts: What the webhook answered, the newest last; 0 if nobody was there.
    """

    changed: Callable[[], None]
    next_id: int = 1
    confirmed: int = 0
    waits: list[float] = field(factory=list)
    posts: list[int] = field(factory=list)
    webhook: Webhook | None = None
    allowed: Sequence[str] = ()
    waiting: list[Update] = field(factory=list)
    polls: int = 0
    _put_at: dict[int, float] = field(factory=dict)
    _arrived: asyncio.Event = field(factory=asyncio.Event)
    _poll: _Poll | None = None
    _posting: asyncio.Task[None] | None = None

    def put(self, kind: str, content: dict[str, Any]) -> Update | None:
        """Add an update, unless the bot does not want that kind; return it."""
        wanted = kind in self.allowed if self.allowed else kind not in _UNASKED
        if not wanted:
            return None
        update = {"update_id": self.next_id, kind: content}
        self.next_id += 1
        self.waiting.append(update)
        self._put_at[self.next_id - 1] = time.monotonic()
        self._arrived.set()
        return update

    def confirm_before(self, offset: int) -> None:
        """Forget the updates before an offset; a negative one keeps so many of the newest."""
        keep = self.waiting[offset:] if offset < 0 else None
        left = keep if keep is not None else [u for u in self.waiting if u["update_id"] >= offset]
        if len(left) != len(self.waiting):
            for update in self.waiting[: len(self.waiting) - len(left)]:
                now = time.monotonic()
                self.waits.append(now - self._put_at.pop(update["update_id"], now))
            self.confirmed = left[0]["update_id"] - 1 if left else self.next_id - 1
            self.waiting[:] = left
        self.changed()

    async def poll(self, offset: int, limit: int, timeout: float) -> list[Update]:
        """Return the updates that wait, or the first that come. Another poll ends this one."""
        if self.webhook is not None:
            raise WEBHOOK_ACTIVE()
        self._end_poll(OTHER_POLL())
        this = self._poll = _Poll()
        self.polls += 1
        self.confirm_before(offset)
        until = asyncio.get_running_loop().time() + timeout
        while not (self.waiting or this.refusal):
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)
        if this.refusal is not None:
            raise this.refusal
        return self.waiting[: min(limit, _MOST)]

    def _end_poll(self, refusal: Refusal) -> None:
        if self._poll is not None:
            self._poll.refusal = refusal
            self._arrived.set()

    async def set_webhook(self, webhook: Webhook | None) -> None:
        """Post from now on, or hand out again."""
        self.webhook = webhook
        if webhook is not None:
            self._end_poll(WEBHOOK_ACTIVE())
        self._arrived.set()

    def start_posting(self) -> None:
        """Post what waits, whenever there is a webhook."""
        self._posting = asyncio.create_task(self._post_all())

    async def stop_posting(self) -> None:
        """Post nothing more."""
        posting, self._posting = self._posting, None
        if posting is not None:
            posting.cancel()
            await asyncio.wait([posting])

    async def _post_all(self) -> None:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            while True:
                if self.webhook is None or not self.waiting:
                    self._arrived.clear()
                    await self._arrived.wait()
                    continue
                update = self.waiting[0]
                self.posts.append(await _post(session, self.webhook, update))
                if 200 <= self.posts[-1] < 300:
                    self.confirm_before(update["update_id"] + 1)
                else:
                    self.changed()
                    await asyncio.sleep(_PAUSE)


async def _post(session: aiohttp.ClientSession, webhook: Webhook, update: Update) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret} if webhook.secret else {}
    try:
        async with session.post(webhook.url, json=update, headers=headers) as response:
            return response.status
    except aiohttp.ClientError:
        return 0
