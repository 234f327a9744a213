"""The typing indicator, while the agent works on an answer."""

from __future__ import annotations

import asyncio

from attrs import define, field

from argent_hookspecs import Address
from argent_telegram.faults import Flooded, TelegramFault
from argent_telegram.wire import Api

_REPEAT_SECONDS = 4.5
"""Telegram shows it for five: https://core.telegram.org/bots/api#sendchataction."""
_LONGEST = 300.0
_FIRST_SECONDS = 0.3
"""What is answered before this needs no sign of life."""


@define(eq=False, repr=False)
class Presence:
    """Shows that the agent works, in the chats of one bot."""

    api: Api
    _tasks: dict[str, asyncio.Task[None]] = field(factory=dict)

    def begin(self, turn: str, to: Address) -> None:
        """Show it for a turn."""
        if turn not in self._tasks:
            task = self._tasks[turn] = asyncio.create_task(self._show(to))
            task.add_done_callback(lambda _: self._forget(turn, task))

    def end(self, turn: str) -> None:
        """Show it no more."""
        if task := self._tasks.pop(turn, None):
            task.cancel()

    async def close(self) -> None:
        """Show none any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget(self, turn: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(turn) is task:
            del self._tasks[turn]

    async def _show(self, to: Address) -> None:
        given = {"chat_id": int(to.chat), "action": "typing"}
        if to.thread is not None:
            given["message_thread_id"] = int(to.thread)
        loop = asyncio.get_running_loop()
        until = loop.time() + _LONGEST
        await asyncio.sleep(_FIRST_SECONDS)
        while loop.time() < until:
            wait = _REPEAT_SECONDS
            try:
                await self.api.call("send_chat_action", **given)
            except Flooded as error:
                wait = max(wait, error.seconds)
            except TelegramFault:  # it is a courtesy; the answer will say what is wrong
                return
            await asyncio.sleep(wait)
