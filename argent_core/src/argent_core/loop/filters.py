"""Filters at work: one after another, in order; one that fails lets nothing through."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from attrs import define

from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_hookspecs import ArgentError, Event, Filter, PluginError, Reject, Reply, ToolCall

T = TypeVar("T", Event, ToolCall, Reply)


class Rejected(ArgentError):
    """Report that a filter said no; the text says which and why."""


@define(eq=False)
class Filters:
    """The filters of all plugins that run."""

    host: PluginHost
    guard: Guard

    async def event(self, event: Event) -> Event:
        """Pass an event through. Raises ``Rejected``, or ``PluginError`` if a filter fails."""
        return await self._pass(event, lambda record: record.event)

    async def tool_call(self, call: ToolCall) -> ToolCall:
        """Pass a tool call through. Raises ``Rejected``, also if a filter fails."""
        try:
            return await self._pass(call, lambda record: record.tool_call)
        except PluginError as error:
            raise Rejected(f"a filter failed: {error}") from error

    async def reply(self, reply: Reply) -> Reply:
        """Pass a reply through. Raises ``Rejected``, also if a filter fails."""
        try:
            return await self._pass(reply, lambda record: record.reply)
        except PluginError as error:
            raise Rejected(f"a filter failed: {error}") from error

    async def _pass(self, value: T, look: Callable[[Filter], Any]) -> T:
        steps = [
            partial(self._look, found, look(found.record))
            for found in self.host.registered(Filter)
            if look(found.record) is not None
        ]
        return await self.guard.chain(value, steps)

    async def _look(self, found: Registered, look: Callable[[T], Any], value: T) -> T:
        verdict: T | Reject = await self.guard.ask(
            found.plugin,
            partial(look, value),
            what=f"filter {found.record.id}",
            timeout=found.record.timeout,
            expects=(type(value), Reject),
        )
        if isinstance(verdict, Reject):
            raise Rejected(f"{found.record.id}: {verdict.reason}")
        return verdict
