"""Observers at work: each has a mailbox and is never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from attrs import define, field

from argent_core.guard import Guard, attempt
from argent_core.hosted_plugin import Registered
from argent_core.mailbox import Mailbox
from argent_core.running import end
from argent_hookspecs import Notice, Observer


@define(eq=False, repr=False)
class _Subscription:
    kinds: tuple[type, ...]
    mailbox: Mailbox[Notice]
    task: asyncio.Task[None]


@define(eq=False, repr=False)
class Observers:
    """Tells the observers of every plugin that runs."""

    guard: Guard
    _subscriptions: dict[str, list[_Subscription]] = field(factory=dict)

    def publish(self, notice: Notice) -> None:
        """Leave a notice in the mailbox of everyone who wants it."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                if not subscription.kinds or isinstance(notice, subscription.kinds):
                    subscription.mailbox.put(notice)

    def plugin_started(self, plugin: str, records: Sequence[Registered]) -> None:
        """Give each of a plugin's observers a mailbox."""
        mine = self._subscriptions[plugin] = []
        for found in records:
            if isinstance(found.record, Observer):
                outcome = attempt(self._subscribe, plugin, found.record)
                if outcome.error is None:
                    mine.append(outcome.get())
                else:
                    words = f"observer {found.record.id} is left out: {outcome.error}"
                    self.guard.on_fault(plugin, words)

    async def plugin_stopping(self, plugin: str) -> None:
        """Take the mailboxes away."""
        await end(*(subscription.task for subscription in self._subscriptions.pop(plugin, [])))

    def _subscribe(self, plugin: str, observer: Observer) -> _Subscription:
        kinds = tuple(observer.kinds)
        isinstance(None, kinds)  # raises if they are no classes
        mailbox: Mailbox[Notice] = self.guard.tell(
            plugin,
            observer.notify,
            what=f"observer {observer.id}",
            timeout=observer.timeout,
            size=observer.mailbox,
        )
        task = asyncio.create_task(mailbox.run(), name=f"observer {plugin}/{observer.id}")
        return _Subscription(kinds, mailbox, task)
