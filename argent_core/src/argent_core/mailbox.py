"""Mailboxes: how observers are told things without being waited for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import define, field

from argent_hookspecs import ArgentError

if TYPE_CHECKING:
    from argent_core.guard import Guard

T = TypeVar("T")

log = logging.getLogger("argent.guard")


@define(eq=False, repr=False)
class Mailbox(Generic[T]):
    """Notices on their way to one observer, in order; the oldest gives way when it is full."""

    _guard: Guard
    _plugin: str
    _notify: Callable[[T], Awaitable[None]]
    _what: str
    _timeout: float
    _waiting: deque[T]
    _wake: asyncio.Event = field(factory=asyncio.Event)

    def put(self, notice: T) -> None:
        """Leave a notice."""
        self._waiting.append(notice)
        self._wake.set()

    async def run(self) -> None:
        """Hand out notices until cancelled; an observer that fails loses that notice only."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                notice = self._waiting.popleft()
                call = partial(self._notify, notice)
                try:
                    await self._guard.ask(
                        self._plugin, call, what=self._what, timeout=self._timeout, skippable=True
                    )
                except ArgentError as error:
                    log.debug("a notice was not taken: %s", error)
