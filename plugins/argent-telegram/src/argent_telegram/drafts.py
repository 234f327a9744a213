"""Answers that are shown while they are written: one message, edited as it grows."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from attrs import define, field

from argent_hookspecs import Address, Draft, TurnFinished
from argent_telegram.faults import Flooded, TelegramFault, Unchanged, Unsure
from argent_telegram.ledger import Ledger
from argent_telegram.markdown import convert
from argent_telegram.outgoing import written
from argent_telegram.pace import Pace, is_group
from argent_telegram.rich_text import LONGEST_TEXT, RichText
from argent_telegram.wire import Api

FIRST_SECONDS = 1.2
"""An answer that is whole before this needs no draft."""
_SHORTEST = 24
_EDIT_SECONDS = 1.2
_GROUP_EDIT_SECONDS = 4.0
_MARK = " …"
_MOST_ENDED = 1000
_FINAL = ("done", "dead", "cancelled")

log = logging.getLogger("argent.plugin.telegram")


@define(eq=False, repr=False)
class _Shown:
    """The draft of one turn.

    Args:
        text: What it should say.
        said: What it says.
        message: Its id, once it is sent.
    """

    to: Address
    text: str = ""
    said: str = ""
    message: int | None = None
    ended: bool = False
    changed: asyncio.Event = field(factory=asyncio.Event)
    lock: asyncio.Lock = field(factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


@define(eq=False, repr=False)
class Drafts:
    """Shows the drafts of one bot."""

    channel: str
    api: Api
    pace: Pace
    ledger: Ledger
    _shown: dict[str, _Shown] = field(factory=dict)
    _ended: dict[str, None] = field(factory=dict)

    def show(self, notice: Draft) -> None:
        """Show an answer as far as it is written."""
        if notice.to is None or notice.turn in self._ended:
            return
        shown = self._shown.get(notice.turn)
        if shown is None:
            shown = self._shown[notice.turn] = _Shown(notice.to)
            shown.task = asyncio.create_task(self._keep_showing(notice.turn, shown))
        shown.text = notice.text
        shown.changed.set()

    async def end(self, turn: str) -> None:
        """Show no more of a turn: its answer is there. Waits for what is being sent."""
        self._ended[turn] = None
        while len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]
        shown = self._shown.get(turn)
        if shown is not None:
            # It stays until then: whoever else ends it waits for the same.
            async with shown.lock:
                shown.ended = True
            self._shown.pop(turn, None)
            if shown.task is not None:
                shown.task.cancel()

    async def turn_ended(self, notice: TurnFinished) -> None:
        """Take the mark off an answer that was broken off: no reply will."""
        shown = self._shown.get(notice.turn)
        if notice.to is None or notice.state not in _FINAL:
            return
        await self.end(notice.turn)
        if notice.state != "cancelled":
            return
        row = await self.ledger.draft(self.channel, notice.turn)
        if row is None or row.message is None or row.key is not None:
            return
        text = notice.text or (shown.text if shown else "")
        if text:
            body = convert(f"{text}\n\n*(stopped)*").body.pieces()[0]
            await self._edit(notice.to, row.message, body)

    async def close(self) -> None:
        """End what is under way, and remember what was sent."""
        for turn in list(self._shown):
            await self.end(turn)

    async def _keep_showing(self, turn: str, shown: _Shown) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        pause = _GROUP_EDIT_SECONDS if is_group(shown.to.chat) else _EDIT_SECONDS
        while True:
            await shown.changed.wait()
            await asyncio.sleep(self.pace.wait(shown.to.chat))
            async with shown.lock:
                shown.changed.clear()
                if shown.ended:
                    return
                wait = await self._update(turn, shown)
            await asyncio.sleep(max(pause, wait))

    async def _update(self, turn: str, shown: _Shown) -> float:
        """Bring the message up to date; return the seconds that Telegram wants to be left alone."""
        body = _unfinished(shown.text)
        if len(body.text) < _SHORTEST or body.text == shown.said or self.pace.wait(shown.to.chat):
            return 0.0
        if shown.message is None and not await self._is_new(turn, shown):
            return 0.0
        await self.pace.turn(shown.to.chat)
        if shown.message is not None:
            wait = await self._edit(shown.to, shown.message, body)
        else:
            wait = await self._begin(turn, shown, body)
        self.pace.arrived(shown.to.chat)
        shown.said = body.text
        return wait

    async def _is_new(self, turn: str, shown: _Shown) -> bool:
        """Find the message that an earlier life has sent; False if none is to be sent any more."""
        row = await self.ledger.draft(self.channel, turn)
        if row is None:
            return True
        shown.message = row.message
        shown.ended = row.message is None or row.key is not None
        return not shown.ended

    async def _begin(self, turn: str, shown: _Shown, body: RichText) -> float:
        """Send the message, with a note of it before and after."""
        given: dict[str, Any] = {"chat_id": int(shown.to.chat), **written(body)}
        if shown.to.thread is not None:
            given["message_thread_id"] = int(shown.to.thread)
        await self.ledger.begin_draft(self.channel, turn, chat=shown.to.chat)
        try:
            sent = await self.api.call("send_message", **given)
        except Unsure as error:
            shown.ended = True
            log.info("a draft may be shown: %s", error)
            return 0.0
        except TelegramFault as error:
            await self.ledger.draft_gone(self.channel, turn)
            return self._wait_after(error, shown.to)
        shown.message = int(sent.message_id)
        await self.ledger.draft_sent(self.channel, turn, message=shown.message)
        return 0.0

    async def _edit(self, to: Address, message: int, body: RichText) -> float:
        """Edit the message; return the seconds that Telegram wants to be left alone."""
        given = {"chat_id": int(to.chat), "message_id": message, **written(body)}
        try:
            await self.api.call("edit_message_text", **given)
        except Unchanged:
            return 0.0
        except TelegramFault as error:
            return self._wait_after(error, to)
        return 0.0

    def _wait_after(self, error: TelegramFault, to: Address) -> float:
        """Take it as it is: a draft that is not shown is no loss."""
        log.info("a draft is not shown: %s", error)
        if not isinstance(error, Flooded):
            return 0.0
        self.pace.shut(to.chat, error.seconds)
        return error.seconds


def _unfinished(text: str) -> RichText:
    """Return the beginning of an answer, marked as not being all of it."""
    pieces = convert(text).body.pieces(LONGEST_TEXT - len(_MARK))
    if not pieces:
        return RichText("")
    return RichText(f"{pieces[0].text}{_MARK}", pieces[0].spans)
